"""One end of a connection: the bare socket, or a TLS session over it, with all that can be done wrong to either.

Once `finish` was called, what is sent is lost.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

PIECE = 65_536
NOISE = b"\0nobody asked for this\r\n\r\n"


class Wire:
    """A connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._spoil_input = False
        self.finished = False

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Self]:
        """A connection to this port of the loopback, for the length of a block."""
        with socket.socket() as sock:
            wire = cls(sock)
            await wire._loop.sock_connect(sock, ("127.0.0.1", port))
            yield wire

    async def receive(self) -> bytes:
        """What came, at most PIECE bytes; empty when the other end has said all."""
        data = await self._loop.sock_recv(self._sock, PIECE)
        if data and self._spoil_input:
            self._spoil_input = False
            data = self._spoilt(data)
        return data

    async def send(self, data: bytes) -> None:
        """Say this."""
        if not self.finished:
            await self._loop.sock_sendall(self._sock, data)

    async def send_spoilt(self, data: bytes) -> None:
        """Say this with a byte of it changed; noise if it is nothing."""
        await self.send(self._spoilt(data) if data else NOISE)

    def spoil_input(self) -> None:
        """Change a byte of what comes next."""
        self._spoil_input = True

    async def finish(self) -> None:
        """Say that no more will come, and go on listening."""
        if not self.finished:
            self.finished = True
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close both directions without a further word."""
        self._sock.close()

    def reset(self) -> None:
        """Close with RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def _spoilt(self, data: bytes) -> bytes:
        return bytes((data[0] ^ 0xFF,)) + data[1:]


class Records(Wire):
    """A socket that carries TLS records: it is a record's last byte that changes, which its seal tells."""

    def _spoilt(self, data: bytes) -> bytes:
        return data[:-1] + bytes((data[-1] ^ 0xFF,))


class Session:
    """The server's side of a TLS session, by hand: so what goes over the wire can be had before it goes."""

    def __init__(self, wire: Wire, context: ssl.SSLContext) -> None:
        self._wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def first_flight(self) -> bytes:
        """Hear the client's greeting; what the server says to it is for the caller to send."""
        while not self._step() and not self._outgoing.pending:
            await self._listen()
        return self._outgoing.read()

    async def shake_hands(self) -> None:
        """The rest of the handshake, once the first flight was sent."""
        while not self._step():
            await self._flush()
            await self._listen()
        await self._flush()

    async def receive(self) -> bytes:
        """As `Wire.receive`; close_notify is an end, too."""
        while True:
            try:
                return self._session.read(PIECE)
            except ssl.SSLWantReadError:
                await self._listen()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError:
                await self._refuse()
                raise

    async def send(self, data: bytes) -> None:
        """As `Wire.send`."""
        if data and not self._wire.finished:
            self._session.write(data)
            await self._flush()

    async def send_spoilt(self, data: bytes) -> None:
        """As `Wire.send_spoilt`; the noise is no record."""
        if data:
            self._session.write(data)
        await self._wire.send_spoilt(self._outgoing.read())

    def spoil_input(self) -> None:
        """As `Wire.spoil_input`."""
        self._wire.spoil_input()

    async def finish(self) -> None:
        """As `Wire.finish`, with close_notify before it."""
        if not self._wire.finished:
            with contextlib.suppress(ssl.SSLError):  # the other end has not said close_notify, or says something else
                self._session.unwrap()
            await self._flush()
            await self._wire.finish()

    def _step(self) -> bool:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def _refuse(self) -> None:
        """Send the alert, and hear the client out: closing on what it still says would reset it away."""
        await self._flush()
        await self._wire.finish()
        while await self._wire.receive():
            pass

    async def _listen(self) -> None:
        data = await self._wire.receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await self._wire.send(data)


Line = Wire | Session
