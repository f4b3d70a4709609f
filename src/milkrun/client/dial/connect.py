"""One TCP connection to whichever of several addresses answers first (Happy Eyeballs, RFC 8305), or a unix socket's."""

import asyncio
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from aiohappyeyeballs import AddrInfoType, start_connection

from milkrun.client.dial.doorstep import Doorstep
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.resolve.resolver import Address

_HEAD_START = 0.25  # seconds an address has before the next one is tried beside it (RFC 8305 8)

# The order is the order of blame when addresses failed in different ways: our own lack of descriptors before
# everything, then what a peer itself said, then silence, then our ports, then what a router said.
_MEANING: dict[int, tuple[str, str]] = {
    errno.EMFILE: ("self", "descriptors"),
    errno.ENFILE: ("self", "descriptors"),
    errno.ECONNREFUSED: ("connect", "refused"),
    errno.ECONNRESET: ("connect", "reset"),
    errno.ECONNABORTED: ("connect", "reset"),
    errno.EPIPE: ("connect", "reset"),
    errno.ETIMEDOUT: ("connect", "timeout"),
    errno.EADDRNOTAVAIL: ("self", "ports"),
    errno.EAGAIN: ("connect", "refused"),  # a unix socket whose queue of connections is full
}
_UNREACHABLE = ("connect", "unreachable")  # no route, no such family here, forbidden by a firewall
_BLAME = {number: rank for rank, number in enumerate(_MEANING)}


# bind() leaves the choice of the port to connect(), which may share one among destinations: else some 28,000
# connections from a local address use up its ports, wherever they lead (Linux 4.2; not in Python before 3.14).
_IP_BIND_ADDRESS_NO_PORT = 24
_ABSTRACT = "\0"


class Connected(NamedTuple):
    """An open connection that reads nothing yet, and its doorstep.

    Attributes:
        address: the literal address it leads to; None: not known here.
        peer: "ip:port" or "[ip]:port"; "unix:path".
    """

    transport: asyncio.Transport
    doorstep: Doorstep
    address: str | None
    peer: str


async def connect(addresses: Sequence[Address], port: int, *, local: str | None = None) -> Connected:
    """Connect to one of the addresses; cancelled or failed, no socket stays open.

    Args:
        addresses: in the order in which to try them, at least one.
        port: of each of them.
        local: the address of this machine to connect from, of the same family.

    Raises:
        RequestError: connect/refused, /reset, /unreachable, /timeout (the kernel's, there is no deadline here).
        OwnError: self/descriptors, self/ports, or self/network: this machine does not have the local address.
    """
    if len(addresses) > 1 or local is not None or "%" in addresses[0][1]:
        return await _race(addresses, port, local)
    # The loop's own connect is a tenth of a TLS connection cheaper on uvloop than connecting a socket and passing it.
    address = addresses[0][1]
    loop = asyncio.get_running_loop()
    try:
        transport, doorstep = await loop.create_connection(Doorstep, address, port)
    except OSError as err:
        raise connect_error([err.errno]) from err
    return _connected(transport, doorstep, address, port)


async def connect_unix(path: str) -> Connected:
    """Connect to a unix socket; a path that starts with NUL is abstract, shown as "@…". Raises as `connect`."""
    try:
        sock = _unix_socket(path)
        transport, doorstep = await asyncio.get_running_loop().create_unix_connection(Doorstep, sock=sock)
    except OSError as err:
        raise connect_error([err.errno]) from err
    return Connected(transport, doorstep, None, f"unix:{path.replace(_ABSTRACT, '@')}")


def _unix_socket(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # It succeeds or fails at once; asyncio's own takes a full queue (EAGAIN) for a connection on its way.
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


async def _race(addresses: Sequence[Address], port: int, local: str | None) -> Connected:
    loop = asyncio.get_running_loop()
    race = _Race(loop, local)
    try:
        sock = await start_connection(
            [race.enter(family, address, port) for family, address in addresses],
            happy_eyeballs_delay=_HEAD_START,
            loop=cast("asyncio.AbstractEventLoop", race),
            socket_factory=race.open,
        )
        transport, doorstep = await loop.create_connection(Doorstep, sock=sock)
    except OSError as err:
        raise race.error(err.errno) from err
    return _connected(transport, doorstep, race.reached[sock], port)


def connect_error(failures: Iterable[int | None]) -> RequestError:
    """The error for the `errno`s of all attempts, at least one: that of the most telling."""
    known = [number or errno.EHOSTUNREACH for number in failures]
    number = min(known, key=lambda number: _BLAME.get(number, len(_BLAME)))
    layer, kind = _MEANING.get(number, _UNREACHABLE)
    message = os.strerror(number).lower()
    if layer == "self":
        return OwnError(kind, f"this process could not open a connection: {message}", phase="connect")
    if kind == "timeout":
        return RequestTimeoutError("connect", message)
    return RequestError(layer, kind, message)


class _Race:
    """The one method of the loop that aiohappyeyeballs calls, noting how each attempt ended.

    The library itself merges several failures into one text without an errno.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, local: str | None) -> None:
        self.reached: dict[socket.socket, str] = {}
        self._loop = loop
        self._local = local
        self._literals: dict[tuple[Any, ...], str] = {}
        self._failures: list[int | None] = []
        self._unbound = False

    def enter(self, family: int, address: str, port: int) -> AddrInfoType:
        where = _where(family, address, port)
        self._literals[where] = address
        return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where

    def open(self, candidate: AddrInfoType) -> socket.socket:
        family, kind, proto, _, _ = candidate
        try:
            return socket.socket(family, kind, proto)
        except OSError as err:
            self._note(err)
            raise

    async def sock_connect(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        try:
            if self._local is not None:
                self._bind(sock, self._local)
            await self._loop.sock_connect(sock, address)
        except OSError as err:
            self._note(err)
            raise
        self.reached[sock] = self._literals[address]

    def error(self, number: int | None) -> RequestError:
        """What became of all attempts; `number` is the errno of the whole, if there was none."""
        if self._unbound:  # not the caller's mistake for certain: addresses come and go
            return OwnError("network", f"{self._local} is no address of this machine now", phase="connect")
        return connect_error(self._failures or [number])

    def _bind(self, sock: socket.socket, local: str) -> None:
        sock.setsockopt(socket.SOL_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        try:
            sock.bind(_where(sock.family, local, 0))
        except OSError:
            self._unbound = True
            raise

    def _note(self, error: OSError) -> None:
        # The number alone: the exception would hold this object in a cycle through its traceback.
        self._failures.append(error.errno)


def _where(family: int, address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if family == socket.AF_INET:
        return address, port
    literal, _, zone = address.partition("%")  # the interface of a link-local address (RFC 4007 11)
    return literal, port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone) if zone else 0


def _connected(transport: asyncio.Transport, doorstep: Doorstep, address: str, port: int) -> Connected:
    return Connected(transport, doorstep, address, f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
