"""Many deadlines on few timers: a timer set and cancelled for each request would cost a tenth of the request.

A watched item lies in the bucket of some time no later than its `due`. When that time comes it is either due, or
has meanwhile been given a later time and moves on to that bucket. So a busy connection costs one comparison a
request and one visit per timeout, not one timer per request.

It lies in one bucket at most, and in none once it is forgotten: a connection over TLS keeps 50 KB while anybody
knows of it, which would else be a whole timeout beyond its end.
"""

import asyncio
import heapq
import math
from collections.abc import Callable
from typing import Protocol

QUANTUM = 0.01  # seconds: deadlines strike at most this late, and never early


class Watched(Protocol):
    """What has a deadline: `due` in clock seconds (infinity: none) and `watched`, which belongs to Deadlines."""

    due: float
    watched: float

    def strike(self, now: float) -> None:
        """`due` has passed."""


class Deadlines:
    """The deadlines of one event loop's items, by `clock` (monotonic seconds, as the loop's own)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        self._loop = loop
        self._clock = clock
        self._buckets: dict[float, dict[Watched, None]] = {}
        self._times: list[float] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed = math.inf

    def watch(self, item: Watched) -> None:
        """Look at the item when its `due` comes. Needed only when `due` is earlier than `watched`."""
        if item.watched < math.inf:
            self.forget(item)
        when = math.ceil(item.due / QUANTUM) * QUANTUM
        item.watched = when
        bucket = self._buckets.get(when)
        if bucket is None:
            self._buckets[when] = {item: None}
            heapq.heappush(self._times, when)
            self._arm()
        else:
            bucket[item] = None

    def forget(self, item: Watched) -> None:
        """Look at it no more; harmless if nobody does."""
        bucket = self._buckets.get(item.watched)
        if bucket is not None:
            bucket.pop(item, None)
        item.watched = math.inf

    def close(self) -> None:
        """Strike no more."""
        self._buckets.clear()
        self._times.clear()
        self._arm()

    def _arm(self) -> None:
        first = self._times[0] if self._times else math.inf
        if first == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed = first
        self._timer = None if first == math.inf else self._loop.call_later(first - self._clock(), self._strike)

    def _strike(self) -> None:
        now = self._clock()
        self._armed = math.inf
        self._timer = None
        while self._times and self._times[0] <= now:
            when = heapq.heappop(self._times)
            for item in self._buckets.pop(when):
                if item.watched == when:  # else it was forgotten, or given another time, by one before it
                    item.watched = math.inf
                    self._look(item, now)
        self._arm()

    def _look(self, item: Watched, now: float) -> None:
        if item.due <= now:
            item.strike(now)
        elif item.due < math.inf:
            self.watch(item)
