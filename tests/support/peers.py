"""Peers on loopback that behave, and peers that do not."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast


@contextmanager
def mute(host: str = "127.0.0.1") -> Iterator[int]:
    """A port where connections open and nothing is ever said: the kernel accepts, nobody else does."""
    with _listener(host, 0, backlog=64) as listener:
        yield listener.getsockname()[1]


@contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port whose queue of connections is full, so that the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port, backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port where nothing listens."""
    with _listener("127.0.0.1", 0, backlog=1) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _listener(host: str, port: int, *, backlog: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.bind((host, port))
        listener.listen(backlog)
        yield listener


@asynccontextmanager
async def server(
    factory: Callable[[], asyncio.Protocol], *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A port served by a protocol, over TLS if there is a context; connections still open are closed at the end."""
    opened: list[asyncio.Transport] = []

    def noted() -> asyncio.Protocol:
        return _Noted(factory(), opened)

    serving = await asyncio.get_running_loop().create_server(noted, host, 0, ssl=context, backlog=1024)
    try:
        yield serving.sockets[0].getsockname()[1]
    finally:
        serving.close()
        for transport in opened:
            transport.abort()


class _Noted(asyncio.Protocol):
    """Hands everything on, and keeps the transport so that the server can close it."""

    def __init__(self, protocol: asyncio.Protocol, opened: list[asyncio.Transport]) -> None:
        self._protocol = protocol
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.append(cast("asyncio.Transport", transport))
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)


class Says(asyncio.Protocol):
    """Says one thing, as soon as it is connected or once it has heard something, and hangs up if told to."""

    def __init__(self, text: bytes = b"", *, first: bool = False, hang_up: bool = False) -> None:
        self._text = text
        self._first = first
        self._hang_up = hang_up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._first:
            self._speak()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  # that something was said is enough
        if not self._first:
            self._speak()

    def _speak(self) -> None:
        self._transport.write(self._text)
        if self._hang_up:
            self._transport.close()


class HandDriven(asyncio.Protocol):
    """A TLS server whose alerts really go out (the loops' own drop them), and which stops when told to.

    After `answers` answers it says no more, or hangs up.
    """

    def __init__(self, context: ssl.SSLContext, *, answers: int = 100, hang_up: bool = False) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._left = answers
        self._hang_up = hang_up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._left:
            return
        self._left -= 1
        self._incoming.write(data)
        with contextlib.suppress(ssl.SSLError):  # it wants to read more, or has put an alert into the answer
            self._session.do_handshake()
        self._transport.write(self._outgoing.read())
        if self._hang_up:
            self._transport.close()
