"""From an origin to an open connection: resolve, connect, shake hands; each phase timed, each its own error."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar, cast

from milkrun.client.certificate import Witness
from milkrun.client.connect import Connected, connect
from milkrun.client.errors import RequestError, RequestTimeoutError
from milkrun.client.facts import ConnectionFacts, TlsFacts
from milkrun.client.resolve import Address, Resolver
from milkrun.client.timings import Timings
from milkrun.client.tls import Contexts, TlsOptions, handshake_error, not_tls
from milkrun.client.url import Origin

P = TypeVar("P", bound=asyncio.Protocol)

_STRUCK = {
    "dns": "the name was not resolved before the deadline",
    "connect": "the connection was not accepted before the deadline",
    "tls": "the TLS handshake did not end before the deadline",
}
_NEVER = 86_400.0  # the loop's own limit on a handshake must not strike before the deadline does
_CLOSE_LIMIT = 1.0  # seconds a peer has to answer close_notify: a silent one would keep the descriptor for ever


class Dialled(NamedTuple, Generic[P]):
    """A connection just opened: peer is "ip:port" ("[ip]:port" for IPv6), address the ip alone."""

    transport: asyncio.Transport
    protocol: P
    peer: str
    address: str
    tls: TlsFacts | None


class _Progress:
    """Which phase an attempt is in, what it has cost so far, and whom it has reached."""

    def __init__(self, timings: Timings, now: Callable[[], float]) -> None:
        self.phase = "dns"
        self.connected: Connected | None = None
        self.witness = Witness()
        self._timings = timings
        self._now = now

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count what happens inside as this phase's time, also if it fails."""
        self.phase = phase
        started = self._now()
        try:
            yield
        finally:
            setattr(self._timings, phase, getattr(self._timings, phase) + self._now() - started)

    def evidence(self, error: RequestError) -> RequestError:
        """The error with all that is known of the connection it struck."""
        error.timings = self._timings
        if self.connected is not None:
            error.connection = ConnectionFacts(
                reused=False,
                age=0.0,
                uses=0,
                peer=self.connected.peer,
                address=self.connected.address,
                tls=self.witness.facts(),
            )
        return error


class Dialer:
    """Opens connections.

    Args:
        resolver: names to addresses; not closed by the dialer.
        contexts: TLS contexts.
        now: monotonic seconds, for the timings.
    """

    def __init__(self, *, resolver: Resolver, contexts: Contexts, now: Callable[[], float] = time.monotonic) -> None:
        self._resolver = resolver
        self._contexts = contexts
        self._now = now

    async def dial(
        self,
        origin: Origin,
        protocol_factory: Callable[[], P],
        *,
        tls: TlsOptions,
        deadline: float,
        timings: Timings,
        fresh_dns: bool = False,
    ) -> Dialled[P]:
        """Open one connection; cancelled or failed at any point, it leaves no descriptor behind.

        Args:
            origin: where to.
            protocol_factory: makes the protocol; `connection_made` is called once the handshake is done.
            tls: used if the origin is https.
            deadline: on the running loop's clock.
            timings: dns, connect and tls are added to, also on failure.
            fresh_dns: ask for the name past every cache.

        Raises:
            RequestError: layers dns, connect, tls, and wait/reset where a plain peer hung up at once; `connection` says
                what was seen of the peer.
            RequestTimeoutError: the deadline, or the kernel's patience, ended in the layer it names.
            OwnError: this process had no descriptor or no port left.
        """
        progress = _Progress(timings, self._now)
        with progress.witness:
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._dial(origin, protocol_factory, tls, progress, fresh_dns=fresh_dns)
            except TimeoutError as err:
                raise progress.evidence(RequestTimeoutError(progress.phase, _STRUCK[progress.phase])) from err
            except RequestError as err:
                progress.evidence(err)
                raise

    async def _dial(
        self,
        origin: Origin,
        protocol_factory: Callable[[], P],
        tls: TlsOptions,
        progress: _Progress,
        *,
        fresh_dns: bool,
    ) -> Dialled[P]:
        # What may fail without any I/O comes first, while no descriptor is open.
        context = self._contexts.get(tls) if origin.scheme == "https" else None
        protocol = protocol_factory()
        with progress.timed("dns"):
            answer = await self._resolver.resolve(origin.host, fresh=fresh_dns)
        with progress.timed("connect"):
            connected = progress.connected = await _reach(answer.addresses, origin)
        try:
            if context is None:
                transport = connected.transport
                connected.doorstep.admit(transport, protocol)
            else:
                with progress.timed("tls"):
                    transport = await _shake_hands(connected, context, origin.host, protocol)
        except BaseException:
            connected.transport.abort()  # start_tls leaves it open when it is cancelled before its first step
            raise
        return Dialled(transport, protocol, connected.peer, connected.address, progress.witness.facts())


async def _reach(addresses: Sequence[Address], origin: Origin) -> Connected:
    """Connect; a peer that resets at once is blamed as one that resets a moment later.

    The kernel answers a reset SYN with ECONNREFUSED; a reset told while connecting is of a connection that stood, and
    was gone before the loop looked. Which of the two phases sees it is chance.
    """
    try:
        return await connect(addresses, origin.port)
    except RequestError as err:
        if err.kind != "reset":
            raise
        if origin.scheme == "https":
            raise handshake_error(ConnectionResetError()) from err
        raise RequestError("wait", "reset", "the connection was reset as soon as it was accepted") from err


async def _shake_hands(
    connected: Connected, context: ssl.SSLContext, host: str, protocol: asyncio.Protocol
) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    try:
        connected.doorstep.require_open(connected.transport)
        if connected.doorstep.heard:
            raise not_tls()  # in TLS the client speaks first (RFC 8446 2); this is a banner
        upgraded = await loop.start_tls(
            connected.transport,
            connected.doorstep,
            context,
            server_hostname=host.rstrip("."),  # a certificate never names the root
            ssl_handshake_timeout=_NEVER,
            ssl_shutdown_timeout=_CLOSE_LIMIT,
        )
        transport = cast("asyncio.Transport", upgraded)  # typed as if it could be None; the loops raise instead
        connected.doorstep.require_open(transport)
    except OSError as err:
        raise handshake_error(err) from err
    connected.doorstep.admit(transport, protocol)
    return transport
