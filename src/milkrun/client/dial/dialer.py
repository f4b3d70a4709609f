"""From an origin to an open connection: resolve, connect, shake hands; each phase timed, each its own error."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from milkrun.client.dial.connect import Connected
from milkrun.client.dial.handshake import shake_hands
from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.progress import Observer, Progress
from milkrun.client.dial.reach import Reach
from milkrun.client.dial.route import DIRECT, Route
from milkrun.client.dial.tls import Contexts, TlsOptions, handshake_error
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.facts import ProxyFacts, TlsFacts
from milkrun.client.proxy.passage import Passage
from milkrun.client.resolve.resolver import Answer, Resolver, literal_family
from milkrun.client.resolve.resolvers import Resolvers
from milkrun.client.timings import Timings
from milkrun.client.url import Origin

P = TypeVar("P", bound=asyncio.Protocol)
T = TypeVar("T")

_STRUCK = {
    "proxy": "the proxy was not reached before the deadline",
    "dns": "the name was not resolved before the deadline",
    "connect": "the connection was not accepted before the deadline",
    "tls": "the TLS handshake did not end before the deadline",
}


class Dialled(NamedTuple, Generic[P]):
    """A connection just opened.

    Attributes:
        peer, address, tls, proxy: as in `ConnectionFacts`.
        alpn: the protocol that the server chose (RFC 7301), None if it chose none or there is no TLS.
        beneath: what TLS writes to, None if there is no TLS.
    """

    transport: asyncio.Transport
    protocol: P
    peer: str
    address: str | None
    tls: TlsFacts | None
    alpn: str | None
    proxy: ProxyFacts | None
    beneath: asyncio.Transport | None


class Dialer:
    """Opens connections.

    Args:
        resolver: names to addresses; not closed by the dialer.
        contexts: TLS contexts.
        policy: which addresses may be connected to; None: all.
        keepalive: how the kernel watches connections; None: not at all.
        now: monotonic seconds, for the timings.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        contexts: Contexts,
        policy: AddressPolicy | None = None,
        keepalive: KeepAlive | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolvers = Resolvers(resolver)
        self._reach = Reach(resolvers=self._resolvers, policy=policy, keepalive=keepalive)
        to_proxies = Reach(resolvers=self._resolvers, keepalive=keepalive)
        self._passage = Passage(reach=to_proxies, targets=self._reach, contexts=contexts, now=now)
        self._contexts = contexts
        self._now = now
        self._under_way: set[asyncio.Timeout] = set()

    async def resolve(self, origin: Origin, route: Route = DIRECT, *, fresh: bool = False) -> Answer:
        """The addresses that `dial` would choose from now. Raises RequestError of layer dns, or OwnError."""
        return await self._resolvers.resolve(origin, route, fresh=fresh)

    async def close(self) -> None:
        """Let go of the resolvers that routes brought with them."""
        await self._resolvers.close()

    async def dial(
        self,
        origin: Origin,
        protocol_factory: Callable[[str | None], P],
        *,
        tls: TlsOptions,
        route: Route = DIRECT,
        deadline: float,
        timings: Timings,
        fresh_dns: bool = False,
        answer: Answer | None = None,
        observer: Observer | None = None,
    ) -> Dialled[P]:
        """Open one connection; cancelled or failed at any point, it leaves no descriptor behind.

        Args:
            origin: where to.
            protocol_factory: makes the protocol, given the ALPN answer ("h2", "http/1.1" or None), once the handshake
                is done; its `connection_made` is called at once.
            tls: used if the origin is https.
            route: which way.
            deadline: on the running loop's clock.
            timings: dns, connect and tls are added to, also on failure.
            fresh_dns: ask for the name past every cache.
            answer: of `look_up`, for the same origin and route; None: the name is resolved first.
            observer: told of each phase.

        Raises:
            RequestError: layers dns, connect, tls, and wait/reset where a plain peer hung up at once; `connection` says
                what was seen of the peer.
            RequestTimeoutError: the deadline, or the kernel's patience, ended in the layer it names.
            OwnError: this process had no descriptor, port or local address to connect with.
            UsageError: the TLS options name files that cannot be used.
        """
        progress = Progress(timings, self._now, observer)
        dialling = self._dial(origin, protocol_factory, tls, route, progress, fresh_dns=fresh_dns, answer=answer)
        return await self._within(deadline, progress, dialling)

    async def look_up(
        self,
        origin: Origin,
        route: Route,
        *,
        deadline: float,
        timings: Timings,
        fresh_dns: bool = False,
        observer: Observer | None = None,
    ) -> Answer | None:
        """The answer for `dial`, to be had while nothing is opened yet; None: it needs none, or not at first.

        Arguments and errors are as of `dial`.
        """
        if route.unix_socket is not None or route.proxy is not None or literal_family(origin.host) is not None:
            return None
        progress = Progress(timings, self._now, observer)
        return await self._within(deadline, progress, self._reach.find(origin, route, progress, fresh_dns=fresh_dns))

    def give_up(self) -> None:
        """End all dials that are under way at once, as if their deadlines had come."""
        now = asyncio.get_running_loop().time()
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(now)

    async def _within(self, deadline: float, progress: Progress, work: Awaitable[T]) -> T:
        with progress.witness:
            try:
                async with asyncio.timeout_at(None if deadline == math.inf else deadline) as limit:
                    self._under_way.add(limit)
                    try:
                        return await work
                    finally:
                        self._under_way.discard(limit)
            except TimeoutError as err:
                raise progress.evidence(_struck(progress.phase)) from err
            except RequestError as err:
                progress.evidence(err)
                raise

    async def _dial(
        self,
        origin: Origin,
        protocol_factory: Callable[[str | None], P],
        tls: TlsOptions,
        route: Route,
        progress: Progress,
        *,
        fresh_dns: bool,
        answer: Answer | None,
    ) -> Dialled[P]:
        # What may fail without any I/O comes first, while no descriptor is open.
        context = self._contexts.get(tls) if origin.scheme == "https" else None
        if route.proxy is None:
            connected = await self._connect(origin, route, progress, fresh_dns=fresh_dns, answer=answer)
        else:
            connected = await self._passage.through(route.proxy, origin, route, progress, fresh_dns=fresh_dns)
        progress.connected = connected
        beneath = None if context is None else connected.transport
        try:
            if context is not None:
                with progress.timed("tls"):
                    connected = await shake_hands(connected, context, tls.server_name or origin.host)
            facts = progress.witness.facts()
            alpn = None if facts is None else facts.alpn
            protocol = protocol_factory(alpn)
            connected.doorstep.admit(connected.transport, protocol)
        except BaseException:
            connected.transport.abort()  # start_tls leaves it open when it is cancelled before its first step
            raise
        return Dialled(
            connected.transport, protocol, connected.peer, connected.address, facts, alpn, progress.proxy, beneath
        )

    async def _connect(
        self, origin: Origin, route: Route, progress: Progress, *, fresh_dns: bool, answer: Answer | None
    ) -> Connected:
        """Reach the origin; a peer that resets at once is blamed as one that resets a moment later.

        The kernel answers a reset SYN with ECONNREFUSED; a reset told while connecting is of a connection that stood,
        and was gone before the loop looked. Which of the two phases sees it is chance.
        """
        try:
            return await self._reach.reach(origin, route, progress, fresh_dns=fresh_dns, answer=answer)
        except RequestError as err:
            if (err.layer, err.kind) != ("connect", "reset"):
                raise
            if origin.scheme == "https":
                raise handshake_error(ConnectionResetError()) from err
            raise RequestError("wait", "reset", "the connection was reset as soon as it was accepted") from err


def _struck(phase: str) -> RequestError:
    if phase == "proxy":  # which is no layer: the target has not been asked for yet
        return OwnError("proxy", _STRUCK[phase], phase=phase)
    return RequestTimeoutError(phase, _STRUCK[phase])
