"""What servers do wrong, as scripts for `scripted`, and the same server over TLS."""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.scripted import HEAD_END, OK, Peer, Script, Scripted, scripted

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = HEAD + b"Content-Length: 10\r\n\r\n"
LARGE = 100_000_000
_PIECE = 62_500
_DRIP = 0.03  # seconds between the bytes of a server that would take minutes


class TlsPeer(Peer):
    """The server's end of one TLS connection; it can do what a plain one can."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        self.heard = []
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        try:
            data = await self._reader.readuntil(HEAD_END)
        except asyncio.IncompleteReadError:
            return b""
        self.heard.append(data)
        return data

    async def hear(self) -> None:
        await self._reader.read(65536)

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self) -> bool:
        with suppress(ConnectionResetError):
            await self._reader.read(-1)
        return True

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


@asynccontextmanager
async def serving(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """`scripted`, over TLS if there is a context."""
    async with scripted(script) if context is None else _over_tls(script, context) as server:
        yield server


@asynccontextmanager
async def _over_tls(script: Script, context: ssl.SSLContext) -> AsyncIterator[Scripted]:
    tasks: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = TlsPeer(reader, writer, len(served.peers) + 1)
        served.peers.append(peer)
        try:
            await script(peer)
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            peer.close()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(play(reader, writer)))

    listener = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=1.0)
    served = Scripted(listener.sockets[0].getsockname()[1])
    served.url = f"https://localhost:{served.port}/"
    try:
        yield served
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def after_a_good_answer(script: Script) -> Script:
    """Answer the connection's first request as one should; what is wrong begins with the second."""

    async def later(peer: Peer) -> None:
        if await peer.request():
            await peer.say(OK)
            await script(peer)

    return later


async def closes(peer: Peer) -> None:
    await peer.request()


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def drips_its_head(peer: Peer) -> None:
    await _drip(peer, b"", OK * 100)


async def drips_its_body(peer: Peer) -> None:
    await _drip(peer, HEAD + b"Content-Length: 1000\r\n\r\n", b"x" * 1000)


async def stalls_in_its_body(peer: Peer) -> None:
    await _says_and_waits(peer, TEN + b"x")


async def stalls_in_a_chunk(peer: Peer) -> None:
    await _says_and_waits(peer, CHUNKED + b"5\r\nhel")


async def resets_in_its_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(TEN + b"x")
    for _ in range(50):  # so that the client has read what came before the reset, which would discard it
        await asyncio.sleep(0)
    peer.reset()


async def never_ends_its_head(peer: Peer) -> None:
    await peer.request()
    await peer.say(HEAD)
    while True:
        await peer.say(b"X-More: of the same\r\n" * 100)


async def has_a_line_of_10_megabytes(peer: Peer) -> None:
    await peer.request()
    await peer.say(HEAD + b"X-Long: ")
    for _ in range(160):
        await peer.say(b"x" * _PIECE)
    await peer.say(b"\r\nContent-Length: 2\r\n\r\nhi")


async def hints_without_end(peer: Peer) -> None:
    await peer.request()
    while True:
        await peer.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


class Large:
    """A body of 100 MB; `sent` is how much of it the client and the kernel's buffers have taken."""

    def __init__(self, *, chunked: bool) -> None:
        self.sent = 0
        self._chunked = chunked

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED if self._chunked else HEAD + b"Content-Length: %d\r\n\r\n" % LARGE)
        piece = b"x" * _PIECE
        for _ in range(LARGE // _PIECE):
            await peer.say(b"%x\r\n%b\r\n" % (_PIECE, piece) if self._chunked else piece)
            self.sent += _PIECE
        await peer.say(b"0\r\n\r\n" if self._chunked else b"")


def gzipped(body: bytes) -> bytes:
    """A response that says its body is gzip."""
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def bomb() -> bytes:
    """100 MB of nothing in 100 KB of gzip."""
    return gzipped(gzip.compress(bytes(LARGE)))


async def _drip(peer: Peer, first: bytes, rest: bytes) -> None:
    await peer.request()
    await peer.say(first)
    for index in range(len(rest)):
        await peer.say(rest[index : index + 1])
        await asyncio.sleep(_DRIP)


async def _says_and_waits(peer: Peer, text: bytes) -> None:
    await peer.request()
    await peer.say(text)
    await peer.gone()
