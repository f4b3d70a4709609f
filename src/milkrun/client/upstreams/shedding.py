"""Load shedding: so many at once, so many more in a queue, and who comes then is refused at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import TypedDict

from milkrun.client.errors import UsageError
from milkrun.client.upstreams.errors import Overloaded
from milkrun.client.upstreams.lodging import Lodging
from milkrun.client.upstreams.numbers import at_least, seconds


class Shed(StrEnum):
    """Why somebody was refused."""

    QUEUE = "queue"  # as many as may wait did
    PATIENCE = "patience"  # waited for as long as may be
    BUDGET = "budget"  # `full` said so


class ShedderStats(TypedDict):
    """admitted_total counts everyone who got a place, shed_total by reason everyone who was refused one."""

    inside: int
    queued: int
    admitted_total: int
    shed_total: dict[str, int]


class LoadShedder:
    """`async with shedder:` admits so many at once; the rest waits in the order it came, or is refused.

    A queue only helps while whoever stands in it can still be served in time: so it is bounded in length and in time,
    and what cannot be served is told so while that costs nothing.

    Args:
        limit: how many are admitted at once.
        queue: how many may wait for a place.
        patience: seconds that each may wait.
        retry_after: seconds after which a refused one should try again.
        full: asked of everyone who comes; while it is true, everyone is refused. See `budget_spent`.
        name: what the places are of, in errors.
    """

    def __init__(
        self,
        *,
        limit: int,
        queue: int = 0,
        patience: float = 1.0,
        retry_after: float = 1.0,
        full: Callable[[], bool] | None = None,
        name: str = "service",
    ) -> None:
        self._limit = at_least(1, "limit", limit)
        self._queue = at_least(0, "queue", queue)
        self._patience = seconds("patience", patience)
        self._retry_after = seconds("retry_after", retry_after)
        self._full = full
        self._name = name
        self._lodging = Lodging(f"load shedder of the {name}", lambda: self._inside > 0)
        # In the order they came. While anyone waits every place is taken, so nobody overtakes.
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._inside = 0
        self._admitted = 0
        self._shed: Counter[Shed] = Counter()

    def __repr__(self) -> str:
        return f"<LoadShedder of {self._name}: {self._inside} of {self._limit} inside, {len(self._waiters)} waiting>"

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    async def enter(self) -> None:
        """Take a place, or wait for one; for who cannot use `async with`. Who does leaves again by `leave`.

        Raises:
            Overloaded: there is none, or there was none for as long as one may wait.
            UsageError: it is in use on another event loop.
        """
        self._lodging.check()
        if self._full is not None and self._full():
            raise self._refusal(Shed.BUDGET, "its budget is spent")
        if not self._take():
            await self._wait()

    def try_enter(self) -> bool:
        """Take a place if one is free now; says whether it did. Nothing else is asked. Raises as `enter`."""
        self._lodging.check()
        return self._take()

    def leave(self) -> None:
        """Give a place up: to the one who has waited longest. Raises UsageError: there is none to give up."""
        if not self._inside:
            raise UsageError(f"nobody is inside the {self._name}: leave once for each place that was taken")
        while self._waiters:
            waiter = next(iter(self._waiters))
            del self._waiters[waiter]
            if not waiter.done():  # else it was cancelled in this very turn
                waiter.set_result(None)
                self._admitted += 1
                return
        self._inside -= 1

    def stats(self) -> ShedderStats:
        """Its figures now."""
        return {
            "inside": self._inside,
            "queued": len(self._waiters),
            "admitted_total": self._admitted,
            "shed_total": {reason.value: self._shed[reason] for reason in Shed},
        }

    def _take(self) -> bool:
        if self._inside >= self._limit:
            return False
        self._inside += 1
        self._admitted += 1
        return True

    async def _wait(self) -> None:
        if len(self._waiters) >= self._queue:
            raise self._refusal(Shed.QUEUE, f"{self._inside} are being served and {len(self._waiters)} wait")
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters[waiter] = None
        timer = loop.call_later(self._patience, self._too_late, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if not waiter.cancelled() and waiter.exception() is None:
                self.leave()  # cancelled after the place was handed over: it is ours to give on
            raise
        finally:
            timer.cancel()

    def _too_late(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            del self._waiters[waiter]
            waiter.set_exception(self._refusal(Shed.PATIENCE, f"no place was free for {self._patience:g} s"))

    def _refusal(self, reason: Shed, why: str) -> Overloaded:
        self._shed[reason] += 1
        return Overloaded(f"the {self._name} is overloaded: {why}", retry_after=self._retry_after)
