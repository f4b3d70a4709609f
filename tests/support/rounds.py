"""What tests of the monitor run by hand: endpoints, scripted probes, and a recorder that keeps everything."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from milkrun.clock import ManualClock
from milkrun.core.endpoint import Endpoint, Registered, Retry, Thresholds
from milkrun.core.observation import Http, Observation, Timings
from milkrun.core.result import Result
from milkrun.monitor.route import Stop
from milkrun.monitor.runner import Runner
from milkrun.monitor.scheduler import Scheduler
from milkrun.monitor.timeline import Timeline
from milkrun.store.protocol import Gap

# A whole multiple of every interval used, so that phases read as offsets.
MIDNIGHT = 1_699_920_000


def an_endpoint(
    key: str = "core_checkout",
    *,
    interval: int = 10_000,
    retry: Retry | None = None,
    thresholds: Thresholds | None = None,
    fingerprint: str = "1",
) -> Endpoint:
    """An http endpoint without conditions."""
    group, _, name = key.partition("_")
    return Endpoint(
        key=key,
        name=name,
        group=group,
        kind="http",
        target=f"http://{key}.test/",
        interval=interval,
        timeout=5.0,
        options=None,
        retry=retry or Retry(),
        thresholds=thresholds or Thresholds(),
        fingerprint=fingerprint,
    )


def registered(endpoint: Endpoint, *, id: int = 1, revision: int = 1) -> Registered:  # noqa: A002 - the field's name
    """The endpoint as a store gives it back."""
    return Registered(id=id, revision=revision, endpoint=endpoint)


def answer(status: int = 200, *, started: float = 0.0) -> Observation:
    """What a probe sees of a server that answers."""
    http = Http(status=status, version="1.1", bytes=2)
    return Observation(started=started, timings=Timings(total=0.01), http=http, connected=True, timeout=5.0)


class Kept:
    """A recorder, and a keeper of gaps, that keeps everything in order."""

    def __init__(self) -> None:
        self.attempts: list[Result] = []
        self.skipped: list[Result] = []
        self.settled: list[Result] = []
        self.gaps: list[Gap] = []
        self.add = self.attempts.append
        self.skip = self.skipped.append
        self.gap = self.gaps.append

    def settle(self, _: Registered, result: Result, seen: Observation | None = None) -> None:  # noqa: ARG002 - the seam's shape
        """Keep a result that counts."""
        self.settled.append(result)


class ScriptedProbe:
    """Answers with the given statuses in turn (the last one for ever), each after `takes` seconds of `clock`."""

    def __init__(self, clock: ManualClock, statuses: Iterable[int] = (200,), *, takes: float = 0.0) -> None:
        self.calls = 0
        self.takes = takes
        self._clock = clock
        self._statuses = list(statuses)

    async def __call__(self) -> Observation:
        """Observe once."""
        self.calls += 1
        started = self._clock.wall()
        if self.takes:
            await self._clock.sleep_until(self._clock.now() + self.takes)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return answer(status, started=started)


class Round:
    """A scheduler and a runner on a clock of the test's, with everything they record in `kept`."""

    def __init__(self, *, wall: float = MIDNIGHT) -> None:
        self.clock = ManualClock(wall=wall)
        self.kept = Kept()
        self.timeline = Timeline(self.clock)
        self.runner = Runner(clock=self.clock, timeline=self.timeline, recorder=self.kept, location="local")
        self.scheduler = Scheduler(clock=self.clock, timeline=self.timeline, runner=self.runner, gaps=self.kept)

    def stop(self, endpoint: Endpoint, probe: Callable[[], Awaitable[Observation]] | None = None, id: int = 1) -> Stop:  # noqa: A002 - the field's name
        """A stop for `endpoint`, answering at once unless a probe says otherwise."""
        return Stop(registered(endpoint, id=id), probe or ScriptedProbe(self.clock))

    async def drive(self, seconds: float, *, step: float | None = None) -> None:
        """Let the scheduler run for `seconds` of the clock, then stop it and end what still runs."""
        driver = asyncio.create_task(self.scheduler.run())
        await self.clock.advance(0)
        for _ in range(round(seconds / step) if step else 1):
            await self.clock.advance(step or seconds)
        driver.cancel()
        await asyncio.wait([driver])
        await self.runner.drain(0)

    async def stall(self, seconds: float) -> None:
        """Run the scheduler, and hold the event loop for `seconds` right after it has begun."""
        driver = asyncio.create_task(self.scheduler.run())
        await self.clock.advance(0)
        self.clock._move(self.clock.now() + seconds)
        await self.clock.advance(0)
        driver.cancel()
        await asyncio.wait([driver])
        await self.runner.drain(0)

    def balanced(self) -> bool:
        """The invariant: every slot that was due is done, skipped or in flight."""
        return self.runner.due == self.runner.done + self.runner.skipped + self.runner.in_flight
