"""Upkeep in the background: how long it leaves the machine to what is checked."""

import asyncio

import pytest

from milkrun.clock import ManualClock
from milkrun.config.settings import StorageSettings
from milkrun.monitor.upkeep import Housekeeping
from milkrun.store.memory import MemoryStore
from milkrun.store.protocol import Keep, Upkeep


class Slow(MemoryStore):
    """A store with endless upkeep, each bite of which takes a while."""

    def __init__(self, clock: ManualClock, takes: float) -> None:
        super().__init__()
        self.begun: list[float] = []
        self._clock = clock
        self._takes = takes

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:  # noqa: ARG002 - the protocol's
        """Do nothing, for as long as it takes."""
        self.begun.append(self._clock.now())
        await self._clock.sleep_until(self._clock.now() + self._takes)
        return Upkeep(removed=0, more=True)


@pytest.mark.parametrize(("takes", "every"), [(0.0, 0.05), (0.01, 0.06), (0.5, 1.5)])
async def test_after_a_bite_of_upkeep_checks_have_the_machine_for_twice_as_long(takes: float, every: float) -> None:
    clock = ManualClock(now=0.0)
    store = Slow(clock, takes)
    task = asyncio.create_task(Housekeeping(clock=clock, store=store, storage=StorageSettings()).run())
    await clock.advance(3.2 * every)
    task.cancel()
    assert store.begun == pytest.approx([0, every, 2 * every, 3 * every])
