"""A pipeline behind its guard, with a store in memory, for tests of what is told when hosts cannot be reached."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import msgspec

from milkrun.alerting.planner import Planner
from milkrun.clock import Clock, ManualClock
from milkrun.config.settings import NetworkSettings
from milkrun.core.alert import Message, Route
from milkrun.core.incident import Entry, Incident
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.guard import Guard, Reach
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.open_rollups import OpenRollups
from milkrun.monitor.pipeline import Pipeline
from milkrun.store.protocol import Batch
from tests.support.judging import result
from tests.support.rounds import MIDNIGHT, an_endpoint, registered
from tests.support.trying_store import TryingStore

SLOT = MIDNIGHT * 1_000
EVERYTHING = Route(name="all", channels=("ops",))
REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")
SILENT = Failure(layer=Layer.WAIT, kind="timeout", message="no answer")


class Witnesses:
    """Who would answer a connection; `asked` is who was asked for one."""

    def __init__(self, *well: str) -> None:
        self.well = set(well)
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, host: str, port: int, seconds: float) -> bool:
        self.asked.append(f"{host}:{port}")
        await self.gate.wait()
        return host in self.well and seconds > 0


class Guarded:
    """`hosts` endpoints on as many hosts, ids from 1; everything that is written can be read from `batches`."""

    def __init__(
        self,
        hosts: int,
        *,
        settings: NetworkSettings | None = None,
        reach: Reach,
        clock: Clock | None = None,
        routes: Iterable[Route] = (EVERYTHING,),
        known: Iterable[Incident] = (),
        states: Mapping[int, EndpointState] | None = None,
    ) -> None:
        self.clock = clock or ManualClock(wall=MIDNIGHT)
        self.store = TryingStore()
        self.slot = SLOT
        self.backlog = Backlog()
        self.pipeline = Pipeline(
            clock=self.clock,
            store=self.store,
            live=LiveHub(),
            states=states or {},
            rollups=OpenRollups(),
            backlog=self.backlog,
            planner=Planner(routes, {}),
            notices=known,
        )
        self.guard = Guard(
            clock=self.clock,
            recorder=self.pipeline,
            settings=settings or NetworkSettings(),
            reach=reach,
        )
        self.endpoints = {
            number: registered(an_endpoint(f"core_h{number}"), id=number) for number in range(1, hosts + 1)
        }
        self.guard.watch(list(self.endpoints.values()), SLOT)

    def up(self, *numbers: int) -> None:
        """These answer."""
        for number in numbers:
            self.settle(number, result(Outcome.UP))

    def refused(self, *numbers: int) -> None:
        """Nobody listens at these."""
        for number in numbers:
            self.settle(number, result(Outcome.DOWN, failure=REFUSED))

    def silent(self, *numbers: int) -> None:
        """These were reached, and never answered."""
        for number in numbers:
            self.settle(number, result(Outcome.DOWN, failure=SILENT))

    def settle(self, number: int, what: Result) -> None:
        """Settle a result of one of the endpoints, for the next slot."""
        self.slot += 10
        self.guard.settle(self.endpoints[number], msgspec.structs.replace(what, endpoint=number, slot=self.slot))

    def outcomes(self) -> list[tuple[int, Outcome]]:
        """What the pipeline has been told, in order."""
        written = [each for batch in self.store.batches for each in batch.results]
        return [(each.endpoint, each.outcome) for each in (*written, *self.backlog.unseen)]

    def batch(self) -> Batch:
        """What waits to be written."""
        flush = self.backlog.take()
        self.backlog.put_back(flush)
        return flush.batch()

    def incidents(self) -> dict[str, Incident]:
        """Incidents, as they are now, by their key's text."""
        return {str(each.key): each for batch in (*self.store.batches, self.batch()) for each in batch.incidents}

    def told(self) -> list[Message]:
        """Messages made."""
        return [each for batch in (*self.store.batches, self.batch()) for each in batch.messages]

    def entries(self) -> list[Entry]:
        """Lines of all timelines."""
        return [each for batch in (*self.store.batches, self.batch()) for each in batch.entries]

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """With the guard's own task running."""
        task = asyncio.create_task(self.guard.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
