"""The Live seam inside one process: from the check loop to watchers on any thread's loop.

One lock covers what everybody is shown and every queue, so that a snapshot and the events after it fit without a
seam. It is held for a copy at most, never across an await.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from milkrun.core.endpoint import Registered
from milkrun.core.state import EndpointState
from milkrun.monitor.live import Committed, EndpointsChanged, Event, Lost, Snapshot, Vitals

# Events, not results: a flush is one event, so this is minutes of a busy monitor.
QUEUE_LIMIT = 256


class LiveHub:
    """Keeps what a new watcher is shown first, and passes every event on."""

    def __init__(self, *, queue_limit: int = QUEUE_LIMIT) -> None:
        self._lock = threading.Lock()
        self._limit = queue_limit
        self._registered: dict[int, Registered] = {}
        self._states: dict[int, EndpointState] = {}
        self._vitals: Vitals | None = None
        self._watchers: set[Watcher] = set()
        self._closed = False

    def publish(self, event: Committed | EndpointsChanged | Vitals) -> None:
        """Tell every subscriber. Never blocks, never raises for a slow one or one whose loop is gone."""
        with self._lock:
            self._remember(event)
            for watcher in self._watchers:
                watcher.put(event)

    @contextmanager
    def subscribe(self) -> Iterator["Watcher"]:
        """Watch from the calling thread's running loop."""
        watcher = Watcher(self, self._lock, self._limit)
        with self._lock:
            self._watchers.add(watcher)
            if self._closed:
                watcher.end()
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def close(self) -> None:
        """End every subscription, also those that are still to come."""
        with self._lock:
            self._closed = True
            for watcher in self._watchers:
                watcher.end()

    def standing(self) -> Snapshot:
        """Where everything stands; the caller holds the lock."""
        return Snapshot(registered=tuple(self._registered.values()), states=dict(self._states), vitals=self._vitals)

    def _remember(self, event: Committed | EndpointsChanged | Vitals) -> None:
        match event:
            case Committed():
                # A flush may still carry what an endpoint left behind that is gone by now.
                known = event.states.keys() & self._registered.keys()
                self._states.update((endpoint, event.states[endpoint]) for endpoint in known)
            case EndpointsChanged():
                self._registered.update((registered.id, registered) for registered in event.registered)
                for removed in event.removed:
                    self._registered.pop(removed, None)
                    self._states.pop(removed, None)
            case vitals:
                self._vitals = vitals


class Watcher:
    """One subscription. `put` and `end` are the hub's, under its lock; the rest is for the watching loop."""

    def __init__(self, hub: LiveHub, lock: threading.Lock, limit: int) -> None:
        self._hub = hub
        self._lock = lock
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._woken = False
        self._ended = False

    def snapshot(self) -> Snapshot:
        """Where everything stands now; events before it are discarded. Callable from the watcher's thread."""
        with self._lock:
            self._events.clear()
            return self._hub.standing()

    def put(self, event: Event) -> None:
        """Queue an event; a full queue becomes one `Lost`, which counts on until it is read."""
        lost = self._events[-1] if self._events else None
        if isinstance(lost, Lost):
            self._events[-1] = Lost(events=lost.events + 1)
        elif len(self._events) >= self._limit:
            missed = len(self._events) + 1
            self._events.clear()
            self._events.append(Lost(events=missed))
        else:
            self._events.append(event)
        self._wake()

    def end(self) -> None:
        """No more events: iteration ends after those already queued."""
        self._ended = True
        self._wake()

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events in order, until the hub closes."""
        return self

    async def __anext__(self) -> Event:
        """The next event, waited for."""
        while True:
            with self._lock:
                if self._events:
                    return self._events.popleft()
                if self._ended:
                    raise StopAsyncIteration
                self._news.clear()
                self._woken = False
            await self._news.wait()

    def _wake(self) -> None:
        """Wake the watching loop once, however many events come before it looks."""
        if self._woken:
            return
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            # The watching loop is closed, so nobody will look again; its thread takes the watcher off in its own time.
            self._ended = True
