"""Names to addresses: a cache that keeps each answer for its TTL, over one of two lookups, asked once at a time."""

import asyncio
import math
import socket
import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError, UsageError

Address: TypeAlias = tuple[int, str]
"""An address family (AF_INET, AF_INET6) and a literal address."""

_UNSAID_TTL = 5.0  # for a TTL of 0, and for answers that have none (the hosts file, getaddrinfo)
_LONGEST_TTL = 3600.0
_NEGATIVE_TTL = 1.0  # long enough to spare a broken resolver, short enough that a retry sees the repair


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a lookup brought back: addresses, at least one, in the order to try them; TTL in seconds."""

    addresses: tuple[Address, ...]
    ttl: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a name resolved to.

    Attributes:
        addresses: in the order in which to try them, at least one.
        ttl: seconds this answer is still good for; infinite for a literal address.
        cached: it was known already; False if somebody was asked for it.
    """

    addresses: tuple[Address, ...]
    ttl: float
    cached: bool


class Resolver(Protocol):
    """What a dialer needs of name resolution."""

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        """The addresses of a host; `fresh` asks past every cache. Raises RequestError of layer dns, or OwnError."""

    async def close(self) -> None:
        """Let go of threads and descriptors; questions still open end."""


class Lookup(Protocol):
    """One way to ask."""

    async def ask(self, host: str, *, fresh: bool) -> Found:
        """The addresses of a name; `fresh` asks past the lookup's own caches. Raises RequestError of layer dns."""

    async def close(self) -> None:
        """Let go of threads and descriptors."""


class _Entry(msgspec.Struct, frozen=True):
    """What was learnt of a name, good or bad, until `expires`."""

    outcome: Found | RequestError
    expires: float


class CachingResolver:
    """Answers from memory while it may, and asks once however many are waiting.

    A question outlives the one who asked: a waiter that is cancelled or out of time leaves it to the others, and
    the answer is kept for the next.

    Args:
        lookup: whom to ask; closed with the resolver.
        now: monotonic seconds.
        size: how many names are remembered at most.
    """

    def __init__(self, lookup: Lookup, *, now: Callable[[], float] = time.monotonic, size: int = 65_536) -> None:
        self._lookup = lookup
        self._now = now
        self._size = size
        self._entries: dict[str, _Entry] = {}
        self._asking: dict[tuple[str, bool], asyncio.Task[_Entry]] = {}

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        """As `Resolver.resolve`. A literal address is its own answer."""
        family = literal_family(host)
        if family is not None:
            return Answer(addresses=((family, host),), ttl=math.inf, cached=True)
        known = None if fresh else self._entries.get(host)
        if known is not None and known.expires > self._now():
            return self._answer(known, cached=True)
        return self._answer(await _outlived(self._question(host, fresh=fresh)), cached=False)

    async def close(self) -> None:
        """End the questions still open, with a UsageError for whoever waits, then the lookup."""
        asking = tuple(self._asking.values())
        for question in asking:
            question.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._lookup.close()

    def _answer(self, entry: _Entry, *, cached: bool) -> Answer:
        if isinstance(entry.outcome, RequestError):
            # A new error for each waiter: each adds its own timings to it.
            raise _copy(entry.outcome) from entry.outcome
        return Answer(addresses=entry.outcome.addresses, ttl=entry.expires - self._now(), cached=cached)

    def _question(self, host: str, *, fresh: bool) -> asyncio.Task[_Entry]:
        question = self._asking.get((host, fresh))
        if question is None:
            question = asyncio.create_task(self._ask(host, fresh=fresh), name=f"resolve {host}")
            self._asking[host, fresh] = question
            question.add_done_callback(lambda _: self._asking.pop((host, fresh)))
        return question

    async def _ask(self, host: str, *, fresh: bool) -> _Entry:
        try:
            found = await self._lookup.ask(host, fresh=fresh)
        except RequestError as err:
            return self._learn_failure(host, err)
        return self._remember(host, _Entry(outcome=found, expires=self._now() + _lifetime(found.ttl)))

    def _learn_failure(self, host: str, error: RequestError) -> _Entry:
        # A process without a descriptor to spare cannot ask, and resolvers report that as their own failure. It is
        # not remembered: it says nothing about the name.
        own = _own_failure()
        if own is not None:
            return _Entry(outcome=own, expires=self._now())
        return self._remember(host, _Entry(outcome=error, expires=self._now() + _NEGATIVE_TTL))

    def _remember(self, host: str, entry: _Entry) -> _Entry:
        self._entries.pop(host, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]  # the one learnt longest ago
        self._entries[host] = entry
        return entry


async def _outlived(question: asyncio.Task[_Entry]) -> _Entry:
    """Wait for a question that goes on if the waiter does not."""
    try:
        return await asyncio.shield(question)
    except asyncio.CancelledError as err:
        waiter = asyncio.current_task()
        if question.cancelled() and waiter is not None and not waiter.cancelling():
            # Nobody cancelled this waiter, and its owner would take the cancellation for its own.
            raise UsageError("the resolver was closed while a name was asked for; close it last") from err
        raise


def literal_family(host: str) -> int | None:
    """The family of a literal address as `Origin.host` has it, with a zone or without, None for a name."""
    family, literal = (socket.AF_INET6, host.partition("%")[0]) if ":" in host else (socket.AF_INET, host)
    try:
        socket.inet_pton(family, literal)
    except OSError:
        return None
    return family


def _lifetime(ttl: float) -> float:
    return min(ttl, _LONGEST_TTL) if ttl > 0 else _UNSAID_TTL


def _copy(error: RequestError) -> RequestError:
    if isinstance(error, OwnError):
        return OwnError(error.kind, error.message, phase=error.phase)
    if isinstance(error, RequestTimeoutError):
        return RequestTimeoutError(error.layer, error.message)
    return RequestError(error.layer, error.kind, error.message)


def _own_failure() -> OwnError | None:
    try:
        socket.socket().close()
    except OSError as err:
        error = OwnError("descriptors", f"no descriptor was left to resolve the name with: {err.strerror}", phase="dns")
        error.__cause__ = err
        return error
    return None
