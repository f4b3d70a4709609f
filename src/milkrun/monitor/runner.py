"""Runs checks: one task each, every one of them owned and accounted for.

A due slot ends in exactly one of two ways, *done* or *skipped*, and is *in flight* until then. Both are counted
where a check's task ends, not inside it: a task cancelled before its first step never runs a `finally`.

Not a TaskGroup: in one, a single broken probe would cancel everybody else's checks. A probe that raises is a bug
of Milkrun's, so its slot is `unknown` without a failure, the warning says what broke, and the log has the traceback.
"""

import asyncio
from functools import partial
from typing import Protocol

import structlog

from milkrun.clock import Clock
from milkrun.core.endpoint import Registered
from milkrun.core.observation import Observation
from milkrun.core.result import Result, Trigger
from milkrun.monitor.histogram import Lately
from milkrun.monitor.route import Stop
from milkrun.monitor.timeline import Timeline
from milkrun.monitor.visit import Visit

log = structlog.get_logger(__name__)

STOPPED = "Milkrun stopped, or dropped the endpoint, before the check ended"


class Recorder(Protocol):
    """Where results go."""

    def add(self, result: Result) -> None:
        """Keep the result of an attempt that will be repeated: it counts for nothing yet."""

    def skip(self, result: Result) -> None:
        """Keep the outcome of a slot that was not checked: it moves no streak."""

    def settle(self, registered: Registered, result: Result, seen: Observation | None = None) -> None:
        """Keep a result that counts, and move the endpoint's state on by it; `seen` is what its check saw."""


class Runner:
    """Starts checks and skips slots. `due`, `done` and `skipped` count slots: due = done + skipped + in flight."""

    def __init__(self, *, clock: Clock, timeline: Timeline, recorder: Recorder, location: str) -> None:
        self.due = self.done = self.skipped = 0
        self._clock = clock
        self._timeline = timeline
        self._recorder = recorder
        self._location = location
        self._late = Lately(clock)
        self._running: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """How many slots are being checked now, retries and the waits between them included."""
        return len(self._running)

    def vitals(self) -> dict[str, object]:
        """The body of /api/v1/schedule; lateness is that of the last five minutes."""
        return {
            "due_total": self.due,
            "done_total": self.done,
            "skipped_total": self.skipped,
            "in_flight": self.in_flight,
            "late_ms": self._late.summary_ms(),
        }

    def start(self, stop: Stop, slot: int, trigger: Trigger = Trigger.SCHEDULE) -> asyncio.Task[None]:
        """Check `stop`, whose last check has ended, for `slot`."""
        visit = Visit(stop, slot, trigger, self._location)
        task = stop.task = asyncio.get_running_loop().create_task(self._check(visit))
        self.due += 1
        self._running.add(task)
        task.add_done_callback(partial(self._ended, visit))
        return task

    def skip(self, stop: Stop, slot: int, why: str) -> None:
        """Give `slot` its outcome without a check."""
        self.due += 1
        self.skipped += 1
        visit = Visit(stop, slot, Trigger.SCHEDULE, self._location)
        self._recorder.skip(visit.overrun(self._clock.wall(), why))

    async def drain(self, grace: float) -> None:
        """Let running checks end for `grace` seconds, then cancel the rest and wait for that."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:
            task.cancel()
        await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        while self._running:
            await asyncio.wait(self._running)
            await asyncio.sleep(0)

    async def _check(self, visit: Visit) -> None:
        self._late.add(self._timeline.late(visit.slot))
        probe = visit.stop.probe
        retry = visit.registered.endpoint.retry
        while True:
            seen = await probe()
            result = visit.judge(seen)
            if not retry.repeats(result.outcome, visit.attempt):
                break
            self._recorder.add(result)
            visit.repeat()
            await self._clock.sleep_until(self._clock.now() + retry.delay)
        self._recorder.settle(visit.registered, result, seen)

    def _ended(self, visit: Visit, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        visit.stop.task = None
        if task.cancelled():
            self.skipped += 1
            self._recorder.skip(visit.overrun(self._clock.wall(), STOPPED))
            return
        self.done += 1
        error = task.exception()
        if error is not None:
            log.error("check broke off", endpoint=visit.registered.endpoint.key, exc_info=error)
            self._recorder.settle(visit.registered, visit.broken(self._clock.wall(), error))
