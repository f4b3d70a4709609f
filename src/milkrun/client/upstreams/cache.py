"""A small cache by time: fresh values at once, stale ones while they are fetched anew, the others when they come."""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypedDict

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.upstreams.calls import Call, T, begin
from milkrun.client.upstreams.lodging import Lodging
from milkrun.client.upstreams.numbers import at_least, seconds
from milkrun.client.upstreams.parting import let_go
from milkrun.client.upstreams.single_flight import SingleFlight

_PAUSE = 1.0  # seconds after a refresh that failed: who is in trouble is not asked again for each request
_log = logging.getLogger("milkrun.client")


class CacheStats(TypedDict):
    """hits_total (fresh), stale_total (served while, or because, it could not be fetched anew), misses_total."""

    size: int
    hits_total: int
    stale_total: int
    misses_total: int
    refresh_failures_total: int


class _Entry(msgspec.Struct, Generic[T]):
    """A value; clock seconds: from `refresh` on it should be fetched anew, from `end` on it is not to be used."""

    value: T
    refresh: float
    end: float


class TtlCache(Generic[T]):
    """Keeps what calls gave, by key. Use `async with`, or `aclose`: refreshes are tasks of the cache's own.

    Equal keys that are asked for at the same time are fetched once. Errors are not kept.

    Args:
        ttl: seconds for which a value is fresh.
        stale: seconds after that for which it is served all the same while one task fetches it anew (RFC 5861's
            stale-while-revalidate); if that fails, it is logged, and tried again a second later.
        size: how many values are kept; beyond it the one goes that was not asked for for longest.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, ttl: float, stale: float = 0.0, size: int = 1024, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = seconds("ttl", ttl)
        self._stale = seconds("stale", stale) if stale else 0.0
        self._size = at_least(1, "size", size)
        self._clock = clock
        self._entries: dict[Hashable, _Entry[T]] = {}  # the one asked for last at the end
        self._flights: SingleFlight[T] = SingleFlight()
        self._refreshing: dict[Hashable, asyncio.Task[None]] = {}
        self._lodging = Lodging("cache", lambda: bool(self._refreshing or self._flights))
        self._closed = False
        self._hits = self._stale_hits = self._misses = self._failures = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def get(self, key: Hashable, call: Call[T]) -> T:
        """The value of a key; if there is none, what the call gives.

        Raises:
            UsageError: the cache is closed, or works for another event loop just now. Besides, what the call raises.
        """
        if self._closed:
            raise UsageError("the cache is closed; ask before it is, or make another")
        now = self._clock()
        entry = self._known(key, now)
        if entry is None:
            self._lodging.check()
            self._misses += 1
            return await self._flights.do(key, partial(self._fetch, key, call))
        if now < entry.refresh:
            self._hits += 1
        else:
            self._stale_hits += 1
            self._refresh(key, call)
        return entry.value

    async def aclose(self) -> None:
        """End the refreshes under way and forget everything. Harmless when repeated."""
        self._lodging.check()
        self._closed = True
        self._entries.clear()
        await let_go(tuple(self._refreshing.values()))

    def stats(self) -> CacheStats:
        """Its figures now."""
        return {
            "size": len(self._entries),
            "hits_total": self._hits,
            "stale_total": self._stale_hits,
            "misses_total": self._misses,
            "refresh_failures_total": self._failures,
        }

    def _known(self, key: Hashable, now: float) -> _Entry[T] | None:
        entry = self._entries.pop(key, None)
        if entry is None or now >= entry.end:
            return None
        self._entries[key] = entry
        return entry

    async def _fetch(self, key: Hashable, call: Call[T]) -> T:
        asked = self._clock()  # a value may be as old as its question
        value = await call()
        if not self._closed:
            self._keep(key, _Entry(value, asked + self._ttl, asked + self._ttl + self._stale))
        return value

    def _keep(self, key: Hashable, entry: _Entry[T]) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = entry

    def _refresh(self, key: Hashable, call: Call[T]) -> None:
        self._lodging.check()
        if key not in self._refreshing:
            task = begin(partial(self._fetch_anew, key, call), f"refresh {key!r}")
            self._refreshing[key] = task
            task.add_done_callback(lambda _: self._refreshing.pop(key))

    async def _fetch_anew(self, key: Hashable, call: Call[T]) -> None:
        try:
            await self._flights.do(key, partial(self._fetch, key, call))
        except Exception:  # noqa: BLE001  # whatever it is, nobody waits for it: who asks has the stale value
            self._failures += 1
            if key in self._entries:
                self._entries[key].refresh = self._clock() + _PAUSE
            _log.warning("%r could not be fetched anew; it stays as it is until it is too old", key, exc_info=True)
