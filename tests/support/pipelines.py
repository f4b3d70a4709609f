"""A pipeline on a clock moved by hand, with a store that can fail and a listener that remembers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from milkrun.alerting.planner import Planner
from milkrun.clock import ManualClock
from milkrun.core.endpoint import Registered
from milkrun.core.result import Result, Trigger
from milkrun.core.state import EndpointState
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.live import Committed, EndpointsChanged, Vitals
from milkrun.monitor.open_rollups import OpenRollups
from milkrun.monitor.pipeline import Pipeline
from milkrun.monitor.route import Stop
from milkrun.monitor.visit import Visit
from tests.support.rounds import MIDNIGHT, an_endpoint, answer, registered
from tests.support.trying_store import TryingStore

SLOT = MIDNIGHT * 1_000


class Told:
    """A Live that keeps what it is told."""

    def __init__(self) -> None:
        self.committed: list[Committed] = []

    def publish(self, event: Committed | EndpointsChanged | Vitals) -> None:
        assert isinstance(event, Committed)
        self.committed.append(event)


class Line:
    """A pipeline with a store that can fail and a listener."""

    def __init__(self, *, limit: int = 1_000, states: dict[int, EndpointState] | None = None) -> None:
        self.clock = ManualClock(wall=MIDNIGHT)
        self.store = TryingStore()
        self.told = Told()
        self.slot = SLOT
        self.planner = Planner((), {})
        self.pipeline = Pipeline(
            clock=self.clock,
            store=self.store,
            live=self.told,  # type: ignore[arg-type]  # nobody subscribes here
            states=states or {},
            rollups=OpenRollups(),
            backlog=Backlog(limit=limit),
            planner=self.planner,
        )

    def settle(self, status: int = 200, *, of: Registered | None = None) -> Result:
        """Settle the next slot's result."""
        who = of or registered(an_endpoint())
        result = a_result(who, self.slot, status)
        self.slot += 10
        self.pipeline.settle(who, result)
        return result


def a_result(who: Registered, slot: int, status: int = 200) -> Result:
    async def never() -> None:
        """A stop needs a probe; this one is not called."""

    visit = Visit(Stop(who, never), slot, Trigger.SCHEDULE, "local")  # type: ignore[arg-type]  # not called
    return visit.judge(answer(status))


@asynccontextmanager
async def running(line: Line) -> AsyncIterator[None]:
    task = asyncio.create_task(line.pipeline.run())
    await line.clock.advance(0)
    yield
    line.pipeline.stop()
    await line.clock.advance(1)
    await task
