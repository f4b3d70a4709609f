"""Hedging: a second attempt for calls that take longer than nearly all did, within a budget.

The quantile only asks how many were faster. So an attempt whose end nobody saw counts as soon as it has outlasted the
quantile, and not at all before: neither biases it.
"""

import asyncio
import math
from collections.abc import Sequence

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.upstreams.calls import Call, T, begin
from milkrun.client.upstreams.latencies import Latencies
from milkrun.client.upstreams.numbers import share
from milkrun.client.upstreams.parting import let_go
from milkrun.client.upstreams.shedding import LoadShedder

_WINDOW = 256  # latencies: enough for a p99, few enough to follow a change
_PURSE = 10.0  # second attempts that may be saved up: a burst of slow answers is what they are for


class Hedge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When to make a second attempt. Only for calls that may be made twice.

    Attributes:
        quantile: of the latencies seen; an attempt that takes longer gets a second one beside it.
        extra: second attempts for each call, at most: the load that hedging adds.
        after: how many latencies must have been seen before.
    """

    quantile: float = 0.95
    extra: float = 0.05
    after: int = 20

    def __post_init__(self) -> None:
        share("quantile", self.quantile)
        share("extra", self.extra)
        if not 1 <= self.after <= _WINDOW:
            raise UsageError(f"after={self.after!r}: expected 1 to {_WINDOW} latencies, as many as are remembered")


class Hedger:
    """Hedges the calls to one upstream.

    Args:
        hedge: when.
        name: the upstream's.
        room: its places: a second attempt needs one, and never waits for it.

    Attributes:
        attempts: how many second attempts were made.
        won: how many of them answered first.
    """

    def __init__(self, hedge: Hedge, name: str, room: LoadShedder | None) -> None:
        self._hedge = hedge
        self._name = name
        self._room = room
        self._latencies = Latencies(_WINDOW)
        self._purse = 0.0
        self.attempts = 0
        self.won = 0

    @property
    def delay(self) -> float:
        """Seconds after which a second attempt is made; infinity while too little is known."""
        known = self._latencies
        return known.quantile(self._hedge.quantile) if len(known) >= self._hedge.after else math.inf

    async def run(self, call: Call[T]) -> T:
        """Make the call, and make it again if it takes too long. The first good answer counts."""
        self._purse = min(_PURSE, self._purse + self._hedge.extra)
        delay = self.delay
        now = asyncio.get_running_loop().time
        started = now()
        try:
            answer = await (call() if self._purse < 1 or delay == math.inf else self._race(call, delay))
        except asyncio.CancelledError:
            if now() - started > delay:
                self._latencies.add(now() - started)
            raise
        self._latencies.add(now() - started)
        return answer

    async def _race(self, call: Call[T], delay: float) -> T:
        first = begin(call, self._name)
        attempts = [first]
        try:
            ended, _ = await asyncio.wait(attempts, timeout=delay)
            if not ended and self._may():
                attempts.append(self._again(call))
            winner = first if ended else await _first_good(attempts)
            self.won += winner is not first
            return winner.result()
        finally:
            await let_go(attempts)

    def _may(self) -> bool:
        return self._purse >= 1 and (self._room is None or self._room.try_enter())

    def _again(self, call: Call[T]) -> asyncio.Task[T]:
        self._purse -= 1
        self.attempts += 1
        attempt = begin(call, f"{self._name}, second attempt")
        if self._room is not None:
            room = self._room
            attempt.add_done_callback(lambda _: room.leave())
        return attempt


async def _first_good(attempts: Sequence[asyncio.Task[T]]) -> asyncio.Task[T]:
    """The first that ends well; if none does, the first that was made."""
    waiting = set(attempts)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        good = [each for each in attempts if each in done and not each.cancelled() and each.exception() is None]
        if good:
            return good[0]
    return attempts[0]
