"""The upkeep of one open database: what is done first, a bite at a time."""

from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy import Connection

from milkrun.core.rollup import Period
from milkrun.store import forgetting
from milkrun.store.facts import FactWriter
from milkrun.store.locations import Locations
from milkrun.store.merging import Merging
from milkrun.store.packing import Packing
from milkrun.store.protocol import Keep
from milkrun.store.rounds import Round, Written


class Chores:
    """For the writer's thread. What is merged and packed goes before what is forgotten: it may be made of that."""

    def __init__(self, facts: FactWriter, locations: Locations) -> None:
        self._facts = facts
        self._rounds = [Round(Packing()), *[Round(Merging(each, locations)) for each in (Period.HOUR, Period.DAY)]]

    def next_round(self, connection: Connection, now: int) -> Round | None:
        """The first round that has a bite to do."""
        return next((each for each in self._rounds if each.is_due(connection, now)), None)

    def forget(self, connection: Connection, now: int, keep: Keep) -> int | None:
        """Do a bite of forgetting: how many results it removed; None where there was nothing to forget."""
        bites: tuple[Callable[[], int | None], ...] = (
            partial(forgetting.clear, connection),
            partial(forgetting.forget, connection, now, keep),
            partial(forgetting.drop_facts, connection, self._facts, now, keep),
            partial(forgetting.drop_messages, connection, now, keep),
        )
        return next((removed for bite in bites if (removed := bite()) is not None), None)

    def touch(self, written: Written) -> None:
        """A flush wrote these results."""
        for each in self._rounds:
            each.touch(written)

    def interrupt(self, times: Iterable[int]) -> None:
        """Roll-ups of these times were written."""
        for each in self._rounds:
            each.interrupt(times)
