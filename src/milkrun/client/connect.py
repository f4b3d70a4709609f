"""One TCP connection to whichever of several addresses answers first (Happy Eyeballs, RFC 8305)."""

import asyncio
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from aiohappyeyeballs import AddrInfoType, start_connection

from milkrun.client.doorstep import Doorstep
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.resolve import Address

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
}
_UNREACHABLE = ("connect", "unreachable")  # no route, no such family here, forbidden by a firewall
_BLAME = {number: rank for rank, number in enumerate(_MEANING)}


class Connected(NamedTuple):
    """An open connection that reads nothing yet: its doorstep, the literal address and "ip:port" or "[ip]:port"."""

    transport: asyncio.Transport
    doorstep: Doorstep
    address: str
    peer: str


async def connect(addresses: Sequence[Address], port: int) -> Connected:
    """Connect to one of the addresses; cancelled or failed, no socket stays open.

    Raises:
        RequestError: connect/refused, /reset, /unreachable, /timeout (the kernel's, there is no deadline here).
        OwnError: self/descriptors or self/ports.
    """
    if len(addresses) > 1:
        return await _race(addresses, port)
    # The loop's own connect is a tenth of a TLS connection cheaper on uvloop than connecting a socket and passing it.
    address = addresses[0][1]
    loop = asyncio.get_running_loop()
    try:
        transport, doorstep = await loop.create_connection(Doorstep, address, port)
    except OSError as err:
        raise connect_error([err.errno]) from err
    return _connected(transport, doorstep, address, port)


async def _race(addresses: Sequence[Address], port: int) -> Connected:
    loop = asyncio.get_running_loop()
    race = _Race(loop)
    try:
        sock = await start_connection(
            [_candidate(family, address, port) for family, address in addresses],
            happy_eyeballs_delay=_HEAD_START,
            loop=cast("asyncio.AbstractEventLoop", race),
            socket_factory=race.open,
        )
        transport, doorstep = await loop.create_connection(Doorstep, sock=sock)
    except OSError as err:
        raise connect_error(race.failures) from err
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

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.failures: list[int | None] = []
        self.reached: dict[socket.socket, str] = {}
        self._loop = loop

    def open(self, candidate: AddrInfoType) -> socket.socket:
        family, kind, proto, _, _ = candidate
        try:
            return socket.socket(family, kind, proto)
        except OSError as err:
            self._note(err)
            raise

    async def sock_connect(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        try:
            await self._loop.sock_connect(sock, address)
        except OSError as err:
            self._note(err)
            raise
        self.reached[sock] = address[0]

    def _note(self, error: OSError) -> None:
        # The number alone: the exception would hold this object in a cycle through its traceback.
        self.failures.append(error.errno)


def _candidate(family: int, address: str, port: int) -> AddrInfoType:
    where = (address, port, 0, 0) if family == socket.AF_INET6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def _connected(transport: asyncio.Transport, doorstep: Doorstep, address: str, port: int) -> Connected:
    return Connected(transport, doorstep, address, f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
