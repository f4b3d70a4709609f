"""Time as a seam: the real clock, and one that tests move by hand."""

import asyncio
import heapq
import itertools
import time
from typing import Protocol

# uvloop's timers count whole milliseconds and may end one early; waking early would mean waking twice.
_TIMER_STEP = 0.001


class Clock(Protocol):
    """Two readings and one wait. `now` is monotonic seconds, `wall` epoch seconds."""

    def now(self) -> float:
        """Monotonic seconds: for durations and deadlines."""

    def wall(self) -> float:
        """Epoch seconds: for slots and everything a person reads."""

    async def sleep_until(self, when: float) -> None:
        """Return once `now()` has reached `when`."""


class SystemClock:
    """The machine's clock; waits on the running event loop."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def sleep_until(self, when: float) -> None:
        """Return once `now()` has reached `when`; always lets other tasks run at least once."""
        delay = when - time.monotonic()
        await asyncio.sleep(delay + _TIMER_STEP if delay > 0 else 0)


class ManualClock:
    """A clock that stands still until a test moves it. Sleepers wake in the order of their times."""

    def __init__(self, *, now: float = 1_000.0, wall: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall = wall
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """The monotonic reading the test has set."""
        return self._now

    def wall(self) -> float:
        """The epoch reading the test has set."""
        return self._wall

    async def sleep_until(self, when: float) -> None:
        """Wait until `advance` passes `when`; a time already past yields to the loop once."""
        if when <= self._now:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when, next(self._order), woken))
        await woken

    def step_wall(self, seconds: float) -> None:
        """Move the wall clock alone, as NTP or an operator would."""
        self._wall += seconds

    async def advance(self, seconds: float) -> None:
        """Move both readings on, waking each sleeper at its own time and letting its task run."""
        target = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            when, _, woken = heapq.heappop(self._sleepers)
            self._move(when)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._move(target)
        await settle()

    def _move(self, when: float) -> None:
        self._wall += max(0.0, when - self._now)
        self._now = max(self._now, when)


async def settle(turns: int = 10) -> None:
    """Let every task that can run do so: a bounded number of turns of the event loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
