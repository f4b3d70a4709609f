"""One upstream: how many calls at once, how long each may take, and whether slow ones get a second attempt."""

import asyncio
import math
from functools import partial
from typing import TypedDict

from milkrun.client.errors import UsageError
from milkrun.client.upstreams.calls import Call, T, checked
from milkrun.client.upstreams.errors import UpstreamTimeoutError
from milkrun.client.upstreams.hedge import Hedge, Hedger
from milkrun.client.upstreams.numbers import seconds
from milkrun.client.upstreams.shedding import LoadShedder, ShedderStats


class HedgeStats(TypedDict):
    """`delay` is in seconds, None while too little is known. Of the second attempts, some were the first to answer."""

    delay: float | None
    second_attempts_total: int
    second_answers_total: int


class UpstreamStats(TypedDict):
    """None for what the upstream has not."""

    limit: ShedderStats | None
    hedge: HedgeStats | None


class Upstream:
    """An API that is called again and again; one object for a process's life.

    Args:
        name: in errors.
        timeout: seconds for each call, second attempt included; the wait for a place is not part of it.
        limit: how many calls at once.
        queue: how many more may wait for a place.
        patience: seconds that each may wait.
        hedge: when to make a second attempt. Everything that is called may then be made twice, but for what is called
            with `once`.

    Raises:
        UsageError: for numbers that mean nothing; says what was expected.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float | None = None,
        limit: int | None = None,
        queue: int = 0,
        patience: float = 1.0,
        hedge: Hedge | None = None,
    ) -> None:
        if limit is None and queue:
            raise UsageError(f"queue={queue} waits for a place of a limit; give the limit, too")
        self.name = name
        self._timeout = None if timeout is None else seconds("timeout", timeout)
        self._places = (
            None if limit is None else LoadShedder(limit=limit, queue=queue, patience=patience, name=f"upstream {name}")
        )
        self._hedger = None if hedge is None else Hedger(hedge, name, self._places)

    def __repr__(self) -> str:
        return f"<Upstream {self.name}>"

    def call(self, call: Call[T], *, once: bool = False) -> Call[T]:
        """The same call with this upstream's limits around it, for `fan_out`."""
        return partial(self.run, checked(self.name, call), once=once)

    async def run(self, call: Call[T], *, once: bool = False) -> T:
        """Make a call within the limits.

        Args:
            call: is made once, or twice if it is hedged.
            once: it must not be made twice.

        Raises:
            Overloaded: there is no place for it.
            UpstreamTimeoutError: it took too long.
        """
        if self._places is None:
            return await self._in_time(call, once=once)
        async with self._places:
            return await self._in_time(call, once=once)

    def stats(self) -> UpstreamStats:
        """Its figures now."""
        hedger = self._hedger
        delay = math.inf if hedger is None else hedger.delay
        return {
            "limit": None if self._places is None else self._places.stats(),
            "hedge": None
            if hedger is None
            else {
                "delay": None if delay == math.inf else delay,
                "second_attempts_total": hedger.attempts,
                "second_answers_total": hedger.won,
            },
        }

    async def _in_time(self, call: Call[T], *, once: bool) -> T:
        make = call if once or self._hedger is None else partial(self._hedger.run, call)
        if self._timeout is None:
            return await make()
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                return await make()
        except TimeoutError as err:
            if not limit.expired():  # the call's own
                raise
            raise UpstreamTimeoutError(f"no answer of {self.name} within {self._timeout:g} s") from err
