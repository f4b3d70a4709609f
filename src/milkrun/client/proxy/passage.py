"""The way through a proxy: reach it, ask it for the target, and leave the connection to the target.

Whatever goes wrong before the proxy was asked is the proxy's, `self/proxy`: nothing was learnt of the target.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from milkrun.client.dial.connect import Connected
from milkrun.client.dial.handshake import shake_hands
from milkrun.client.dial.progress import Progress
from milkrun.client.dial.reach import Reach
from milkrun.client.dial.route import Route
from milkrun.client.dial.tls import Contexts
from milkrun.client.errors import OwnError, RequestError
from milkrun.client.facts import ProxyFacts
from milkrun.client.proxy import connect, socks5
from milkrun.client.proxy.address import Proxy
from milkrun.client.proxy.dialogue import Dialogue, NonsenseError
from milkrun.client.proxy.tls_in_tls import carry
from milkrun.client.resolve.resolver import Address, literal_family
from milkrun.client.timings import Timings
from milkrun.client.url import Origin

_ASK = {"http": connect.ask, "https": connect.ask, "socks5": socks5.ask, "socks5h": socks5.ask}
_FAILED = {
    "dns": "its name could not be resolved",
    "connect": "it could not be reached",
    "tls": "the TLS handshake with it failed",
}


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to go through proxies.

    Attributes:
        reach: how they are reached. No policy of addresses is asked about them: the caller named them.
        targets: how a target is resolved and judged where this side does that.
        contexts: TLS contexts, for https proxies.
        now: monotonic seconds.
    """

    reach: Reach
    targets: Reach
    contexts: Contexts
    now: Callable[[], float]

    async def through(
        self, proxy: Proxy, origin: Origin, route: Route, progress: Progress, *, fresh_dns: bool
    ) -> Connected:
        """A connection to the origin by way of the proxy, reading nothing yet; cancelled or failed, none is left open.

        A socks5 proxy is asked for an address, resolved here; every other for the name, which it resolves itself.

        Raises:
            OwnError: self/proxy, whatever the proxy failed or refused to do for its own reasons.
            RequestError: dns and connect/denied of what is resolved here; dns and connect as the proxy told it.
        """
        context = self.contexts.get(proxy.tls) if proxy.origin.scheme == "https" else None
        address = await self._address(proxy, origin, route, progress, fresh_dns=fresh_dns)
        with progress.timed("proxy"):
            reached = await self._reached(proxy, context, route, progress, fresh_dns=fresh_dns)
        host = address or origin.host
        dialogue = Dialogue()
        reached.doorstep.admit(reached.transport, dialogue)
        started = self.now()
        try:
            with progress.timed("connect"):
                await _asked(dialogue, proxy, host, origin.port)
        except BaseException:
            reached.transport.abort()
            raise
        finally:
            facts = cast("ProxyFacts", progress.proxy)  # set as soon as it was reached
            progress.proxy = msgspec.structs.replace(facts, tunnel=self.now() - started)
        return Connected(reached.transport, dialogue.step_aside(), address, _peer(host, origin.port))

    async def _address(
        self, proxy: Proxy, origin: Origin, route: Route, progress: Progress, *, fresh_dns: bool
    ) -> str | None:
        """The target's address, if it is this side that knows it; judged by the policy."""
        family = literal_family(origin.host)
        if proxy.origin.scheme == "socks5":
            with progress.timed("dns"):
                answer = await self.targets.resolvers.resolve(origin, route, fresh=fresh_dns)
            addresses: Sequence[Address] = answer.addresses
        elif family is not None:
            addresses = ((family, origin.host),)
        else:
            return None
        return _usual(addresses if self.targets.policy is None else self.targets.policy.screen(addresses))

    async def _reached(
        self, proxy: Proxy, context: ssl.SSLContext | None, route: Route, progress: Progress, *, fresh_dns: bool
    ) -> Connected:
        """An open connection to the proxy, over TLS if there is a context; what was seen of it is noted."""
        timings = Timings()
        inner = Progress(timings, self.now)
        try:
            connected = await self.reach.reach(proxy.origin, route, inner, fresh_dns=fresh_dns)
            try:
                return await _secured(connected, proxy, context, inner)
            finally:
                progress.proxy = _facts(proxy, connected, timings, progress)
        except RequestError as err:
            raise _unreached(proxy, err) from err


async def _secured(connected: Connected, proxy: Proxy, context: ssl.SSLContext | None, progress: Progress) -> Connected:
    if context is None:
        return connected
    try:
        with progress.timed("tls"):
            return carry(await shake_hands(connected, context, proxy.tls.server_name or proxy.origin.host))
    except BaseException:
        connected.transport.abort()
        raise


async def _asked(dialogue: Dialogue, proxy: Proxy, host: str, port: int) -> None:
    try:
        await _ASK[proxy.origin.scheme](dialogue, proxy, host, port)
    except NonsenseError as err:
        spoken = "SOCKS5" if proxy.origin.scheme.startswith("socks") else "HTTP"
        raise OwnError("proxy", f"the proxy {proxy.url} does not speak {spoken}", phase="connect") from err
    except OSError as err:
        message = f"the proxy {proxy.url} closed the connection when it was asked for the target"
        raise OwnError("proxy", message, phase="connect") from err


def _usual(addresses: Sequence[Address]) -> str:
    """The one to ask for: an IPv4 address if there is one, for many SOCKS5 proxies have no IPv6."""
    return min(addresses, key=lambda address: address[0] != socket.AF_INET)[1]


def _facts(proxy: Proxy, connected: Connected, timings: Timings, progress: Progress) -> ProxyFacts:
    tls = progress.witness.facts()
    progress.witness.session = None  # the next handshake is the target's
    return ProxyFacts(
        url=proxy.url, peer=connected.peer, dns=timings.dns, connect=timings.connect, tls=timings.tls, session=tls
    )


def _unreached(proxy: Proxy, error: RequestError) -> OwnError:
    if isinstance(error, OwnError):
        return OwnError(error.kind, error.message, phase="proxy")
    return OwnError("proxy", f"the proxy {proxy.url}: {_FAILED[error.layer]}: {error.message}", phase="proxy")


def _peer(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
