"""Limits: a gate lets so many in at once, the rest wait in the order they came."""

import asyncio
from collections import deque

import msgspec

from milkrun.client.errors import RequestTimeoutError, UsageError
from milkrun.client.pool.descriptors import Descriptors

_LONGEST = 86_400.0  # seconds: what loops can count to, for those who would wait for ever


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much happens at once; the rest waits its turn, and the wait is `queue` time.

    Attributes:
        total: requests in flight.
        per_origin: requests in flight to one origin.
        handshakes: connections being opened.
    """

    total: int = 1000
    per_origin: int = 100
    handshakes: int = 100

    def __post_init__(self) -> None:
        if min(self.total, self.per_origin, self.handshakes) < 1:
            raise UsageError(f"{self!r}: expected 1 or more of each, or nothing could ever be sent")


class Gate:
    """So many places, first come, first served.

    A place that frees goes straight to the first waiter, so nobody overtakes. While anyone waits every place is
    taken; so who finds one free may take it without a look at the queue. The fields are for one who is in a hurry.

    Attributes:
        limit: how many places there are.
        used: how many are taken.
        name: what is waited for, in errors.
    """

    __slots__ = ("limit", "name", "used", "waiters")

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.name = name
        self.used = 0
        self.waiters: deque[asyncio.Future[None]] | None = None  # most gates never have one: a deque is 600 bytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self.name}: {self.used} taken, {self.waiting} waiting>"

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not waiter.done() for waiter in self.waiters) if self.waiters else 0

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        while self.waiters and self.waiters[0].done():  # gave up
            self.waiters.popleft()
        return not self.waiters and self._acquire()

    def leave(self) -> None:
        """Give a place up: to the first waiter, if there is one."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._release()

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
        timer = loop.call_later(min(max(0.0, seconds), _LONGEST), self._too_late, waiter)
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

    def _acquire(self) -> bool:
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def _release(self) -> None:
        self.used -= 1


class Doorkeeper(Gate):
    """A gate to places that are shared with others: the process's descriptors."""

    __slots__ = ("_descriptors",)

    def __init__(self, descriptors: Descriptors, name: str) -> None:
        super().__init__(descriptors.budget, name)
        self._descriptors = descriptors

    def _acquire(self) -> bool:
        return self._descriptors.acquire()

    def _release(self) -> None:
        self._descriptors.release()
