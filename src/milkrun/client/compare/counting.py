"""The hooks of a measured process: an event loop that counts what is opened through it, and counted TLS contexts.

Every contestant resolves, connects and shakes hands by the same few calls, so one place counts for all of them, and one
place judges the address just before a socket connects to it.
"""

import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
import uvloop

from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.pool.descriptors import descriptor_limit
from milkrun.client.resolve.resolver import Found, Lookup, literal_family


class Connected(Protocol):
    """What is asked of a connected socket; uvloop's is no `socket.socket`."""

    def fileno(self) -> int:
        """The descriptor."""

    def getsockname(self) -> Any:
        """The local address."""


class Counts(msgspec.Struct, kw_only=True):
    """What has happened so far.

    Attributes:
        lookups, connections, handshakes, contexts: see `Figures`.
        failed_connections: attempts to connect that came to nothing.
        descriptors: open at once, at most. The kernel gives the lowest number that is free, so when one is given, all
            below it are in use: the highest one given is the peak, and nothing needs to be sampled.
        ports: of connections that were opened, the local and the remote one.
    """

    lookups: int = 0
    connections: int = 0
    failed_connections: int = 0
    handshakes: int = 0
    contexts: int = 0
    descriptors: int = 0
    ports: set[tuple[int, int]] = msgspec.field(default_factory=set)

    def opened(self, sock: Connected, port: int) -> None:
        """Count a connection to a port."""
        self.connections += 1
        self.descriptors = max(self.descriptors, sock.fileno() + 1)
        self.ports.add((sock.getsockname()[1], port))

    def failed(self, error: OSError) -> None:
        """Count an attempt to connect that came to nothing."""
        self.failed_connections += 1
        if error.errno == errno.EMFILE:
            self.descriptors = descriptor_limit()


class CountingLoop(uvloop.Loop):
    """An event loop that counts names asked for and connections opened, and refuses addresses that are not allowed.

    Args:
        counts: where to count.
        policy: asked of each address; None: all are allowed.
    """

    def __init__(self, counts: Counts, policy: AddressPolicy | None = None) -> None:
        super().__init__()
        self._counts = counts
        self._policy = policy

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """As the loop's own; a literal address is no question."""
        if host is not None and literal_family(host if isinstance(host, str) else host.decode()) is None:
            self._counts.lookups += 1
        return await super().getaddrinfo(host, port, **options)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """As the loop's own; with `sock=` the connection was opened, and counted, before."""
        if options.get("sock") is not None:
            return await super().create_connection(protocol_factory, host, port, **options)
        with self._attempt(host):
            pair: tuple[Any, Any] = await super().create_connection(protocol_factory, host, port, **options)
        self._counts.opened(pair[0].get_extra_info("socket"), port)
        return pair

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """As the loop's own."""
        with self._attempt(address[0]):
            await super().sock_connect(sock, address)
        self._counts.opened(sock, address[1])

    @contextmanager
    def _attempt(self, host: str) -> Iterator[None]:
        try:
            self._judge(host)
            yield
        except OSError as err:
            self._counts.failed(err)
            raise

    def _judge(self, host: str) -> None:
        if self._policy is None:
            return
        ipaddress.ip_address(host)  # a name could lead anywhere; nobody here connects by one
        verdict = self._policy.verdict(host)
        if verdict is not None:
            raise PermissionError(errno.EACCES, f"{host}: {verdict}")


class CountedLookup:
    """A lookup of the client's, counted: it has threads of its own, so the loop does not see its questions."""

    def __init__(self, lookup: Lookup, counts: Counts) -> None:
        self._lookup = lookup
        self._counts = counts

    async def ask(self, host: str, *, fresh: bool) -> Found:
        """As `Lookup.ask`."""
        self._counts.lookups += 1
        return await self._lookup.ask(host, fresh=fresh)

    async def close(self) -> None:
        """As `Lookup.close`."""
        await self._lookup.close()


@contextmanager
def counted_tls(counts: Counts) -> Iterator[None]:
    """Count each SSL context built in this process, and each client's session begun: loops and anyio do it alike."""
    new, wrap = ssl.SSLContext.__new__, ssl.SSLContext.wrap_bio

    def counted_new(kind: type[ssl.SSLContext], *args: Any, **options: Any) -> ssl.SSLContext:
        counts.contexts += 1
        return new(kind, *args, **options)

    def counted_wrap(context: ssl.SSLContext, *args: Any, **options: Any) -> ssl.SSLObject:
        counts.handshakes += not options.get("server_side")
        return wrap(context, *args, **options)

    _replace({"__new__": staticmethod(counted_new), "wrap_bio": counted_wrap})
    try:
        yield
    finally:
        _replace({"__new__": staticmethod(new), "wrap_bio": wrap})


def _replace(methods: dict[str, Any]) -> None:
    for name, method in methods.items():
        setattr(ssl.SSLContext, name, method)
