"""Single flight: equal questions that are asked at the same time are asked once."""

import asyncio
from collections.abc import Hashable
from types import TracebackType
from typing import Generic

from milkrun.client.errors import ClientError, UsageError
from milkrun.client.upstreams.calls import Call, T, begin
from milkrun.client.upstreams.lodging import Lodging
from milkrun.client.upstreams.parting import let_go


class _Flight(Generic[T]):
    """One call under way, and how many wait for it."""

    __slots__ = ("_trace", "task", "waiting")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0
        self._trace: TracebackType | None = None

    def outcome(self, key: Hashable) -> T:
        """Its answer, or its error as it was raised."""
        if self.task.cancelled():
            # By itself: nobody who waits was, and each would take it for a cancellation of its own.
            raise ClientError(f"the call for {key!r} was cancelled; what it waited for was")
        error = self.task.exception()
        if error is None:
            return self.task.result()
        self._trace = self._trace or error.__traceback__
        raise error.with_traceback(self._trace)  # each who raises it would else add to the others' traceback


class SingleFlight(Generic[T]):
    """Makes a call once for all who ask for the same key while it is under way.

    Nobody's cancellation or deadline touches the others; the call is cancelled when the last one has left.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._lodging = Lodging("single flight", lambda: bool(self._flights))

    def __len__(self) -> int:
        return len(self._flights)

    async def do(self, key: Hashable, call: Call[T]) -> T:
        """What the call gives: this one's, or that of an equal one under way.

        Everyone gets the same object, or the same error.

        Raises:
            UsageError: calls of another event loop are under way; or it is the call for this key that asks.
        """
        self._lodging.check()
        flight = self._flights.get(key) or self._start(key, call)
        if flight.task is asyncio.current_task():
            raise UsageError(f"the call for {key!r} asks for {key!r} itself, and would wait for its own end for ever")
        flight.waiting += 1
        try:
            await asyncio.wait((flight.task,))
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._end(key, flight)
                await let_go((flight.task,))
        return flight.outcome(key)

    def _start(self, key: Hashable, call: Call[T]) -> _Flight[T]:
        flight = self._flights[key] = _Flight(begin(call, f"single flight {key!r}"))
        # At its end, not when the first waiter wakes: whoever asks between the two would get an old answer.
        flight.task.add_done_callback(lambda _: self._end(key, flight))
        return flight

    def _end(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
