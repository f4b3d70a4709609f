"""Limits: a gate lets so many in at once, the rest wait in the order they came."""

import asyncio
from collections import deque
from typing import Protocol

from milkrun.client.errors import RequestTimeoutError


class Places(Protocol):
    """What is limited. `Descriptors` is one, shared by several clients."""

    used: int

    def acquire(self) -> bool:
        """Take one if there is one left."""

    def release(self) -> None:
        """Give one back."""


class Limit:
    """So many places, this client's own."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def acquire(self) -> bool:
        """Take a place if there is one left."""
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def release(self) -> None:
        """Give a place back."""
        self.used -= 1


class Gate:
    """First come, first served. A place that frees goes straight to the first waiter, so nobody overtakes.

    While anyone waits every place is taken; so who finds one free may take it without a look at the queue.
    """

    __slots__ = ("name", "places", "waiters")

    def __init__(self, places: Places, name: str) -> None:
        self.places = places
        self.name = name
        self.waiters: deque[asyncio.Future[None]] | None = None  # most gates never have one: a deque is 600 bytes

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not waiter.done() for waiter in self.waiters) if self.waiters else 0

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        while self.waiters and self.waiters[0].done():  # gave up
            self.waiters.popleft()
        return not self.waiters and self.places.acquire()

    def leave(self) -> None:
        """Give a place up: to the first waiter, if there is one."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.places.release()

    def turn_away(self, error: Exception) -> None:
        """Let every waiter go with an error."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error)

    async def wait(self, seconds: float) -> None:
        """Wait so long for a place; then RequestTimeoutError, self/overload."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        if self.waiters is None:
            self.waiters = deque()
        self.waiters.append(waiter)
        timer = loop.call_later(max(0.0, seconds), self._too_late, waiter)
        try:
            await waiter
        except BaseException:
            # Cancelled after the place was handed over: it is ours to give on.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.leave()
            raise
        finally:
            timer.cancel()

    def _too_late(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(
                RequestTimeoutError("self", f"waited for {self.name} until the deadline", phase="queue")
            )
