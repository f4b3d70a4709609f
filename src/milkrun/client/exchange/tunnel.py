"""A connection that was handed over, by 101 or CONNECT: bytes both ways, with back-pressure."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from milkrun.client.errors import UsageError
from milkrun.client.home import Home

_HIGH_WATER = 256 * 1024  # bytes that may wait for the reader before the peer is held back


class Tunnel(asyncio.Protocol):
    """Bytes both ways, until it is closed. Raises UsageError on another event loop, and once it is closed here.

    Any number of tasks may write; each piece goes out whole. One at a time may read.

    Args:
        transport: of the connection; its reading is paused.
        on_close: closes the connection, if it is not lost, and gives its place up.
        on_lost: told of its loss.
    """

    def __init__(
        self, transport: asyncio.Transport, *, on_close: Callable[[], None], on_lost: Callable[[Exception | None], None]
    ) -> None:
        self._transport = transport
        self._on_close = on_close
        self._on_lost = on_lost
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._home = Home.here("tunnel")
        self._ended = self._lost = self._holding = False
        self._over: Exception | None = None  # why it is of no use any more on this side
        self._cause: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._room = asyncio.Event()

    def __repr__(self) -> str:
        state = "lost" if self._lost else "closed" if self._over else "ended by the peer" if self._ended else "open"
        return f"<Tunnel to {self._transport.get_extra_info('peername')}: {state}, {self._waiting} bytes waiting>"

    def begin(self, rest: bytes, *, paused: bool) -> None:
        """Take the transport; `rest` is what has come already, `paused` whether its write buffer is full."""
        if not paused:
            self._room.set()
        self._transport.set_protocol(self)
        if rest:
            self.data_received(rest)
        self._transport.resume_reading()

    async def read(self) -> bytes:
        """What has come, as soon as there is something; b"" when no more will. Raises OSError if it is lost."""
        self._check()
        if self._reader is not None and not self._reader.done():
            raise UsageError("another task reads from the tunnel already; let one at a time read")
        if not self._pieces and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
            self._check()
        if not self._pieces:
            if self._cause is not None:
                raise self._cause
            return b""
        piece = self._pieces.popleft()
        self._waiting -= len(piece)
        if self._holding and self._waiting < _HIGH_WATER // 2:
            self._holding = False
            self._transport.resume_reading()
        return piece

    async def write(self, data: bytes) -> None:
        """Send, and wait while the peer takes less than is sent. Raises ConnectionResetError once it is lost."""
        self._check()
        if self._lost or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._transport.write(data)
        await self._room.wait()

    def write_eof(self) -> None:
        """Say that no more will be sent, where the transport can: TLS cannot."""
        self._check()
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def get_extra_info(self, name: str) -> Any:
        """As asyncio's transports have it: "peername", "sockname", "socket", "ssl_object" and the like."""
        return self._transport.get_extra_info(name)

    def close(self) -> None:
        """Close it, with what was written sent first. Harmless when repeated."""
        self._home.check()
        self._over = self._over or UsageError("the tunnel is closed; read and write before")
        self._on_close()

    def dismiss(self, error: Exception) -> None:
        """The client closes: whoever reads or writes gets the error."""
        self._over = error

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        self._pieces.append(data)
        self._waiting += len(data)
        if self._waiting > _HIGH_WATER and not self._holding:
            self._holding = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """As asyncio has it: the peer sends no more, but may still read."""
        self._ended = True
        _wake(self._reader)
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._ended = self._lost = True
        self._cause = exc
        _wake(self._reader)
        self._room.set()
        self._on_lost(exc)

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self._room.clear()

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._room.set()

    def _check(self) -> None:
        self._home.check()
        if self._over is not None:
            raise self._over


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
