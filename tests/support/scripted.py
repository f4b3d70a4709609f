"""A server that does to each connection exactly what a script says, byte by byte if need be."""

import asyncio
import math
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Peer:
    """The server's end of one connection. `number` counts connections from 1; `heard` is every request's bytes."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self.number = number
        self.heard: list[bytes] = []

    async def request(self) -> bytes:
        """Read one request without content; empty when the client has closed instead."""
        data = b""
        while not data.endswith(HEAD_END):
            piece = await self._loop.sock_recv(self._sock, 65536)
            if not piece:
                return b""
            data += piece
        self.heard.append(data)
        return data

    async def message(self) -> bytes:
        """Read one request with as much content as it declares; empty when the client has closed instead."""
        data = b""
        while len(data) < _end(data):
            piece = await self._loop.sock_recv(self._sock, 65536)
            if not piece:
                return b""
            data += piece
        self.heard.append(data)
        return data

    async def hear(self) -> None:
        """Read something of what the client says."""
        await self._loop.sock_recv(self._sock, 65536)

    async def say(self, data: bytes) -> None:
        """Send this."""
        await self._loop.sock_sendall(self._sock, data)

    async def trickle(self, data: bytes) -> None:
        """Send this a byte at a time, each on its own."""
        for index in range(len(data)):
            await self.say(data[index : index + 1])
            for _ in range(3):
                await asyncio.sleep(0)

    async def gone(self) -> bool:
        """Wait until the client has closed; whatever else it says is passed over."""
        try:
            while await self._loop.sock_recv(self._sock, 65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def half_close(self) -> None:
        """Say that no more will come, and go on listening."""
        self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close in good order."""
        self._sock.close()

    def reset(self) -> None:
        """Close with RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


def _end(data: bytes) -> float:
    """Where the request that begins so ends: nowhere yet, while its head is not whole."""
    head, end, _ = data.partition(HEAD_END)
    length = _LENGTH.search(head)
    return len(head + end) + int(length[1] if length else 0) if end else math.inf


Script = Callable[[Peer], Awaitable[None]]


class Scripted:
    """The running server: where it is, and every peer it has had."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self.peers: list[Peer] = []


@asynccontextmanager
async def scripted(script: Script, *, host: str = "127.0.0.1") -> AsyncIterator[Scripted]:
    """Serve each connection by the script, and close it when the script ends; all end with the block."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # A full backlog drops a SYN, which is sent again only after a second.
    with socket.create_server((host, 0), family=family, backlog=4096) as listener:
        listener.setblocking(False)
        server = Scripted(listener.getsockname()[1])
        scripts: set[asyncio.Task[None]] = set()
        accepting = loop.create_task(_accept(listener, server, script, scripts))
        try:
            yield server
        finally:
            for task in (accepting, *scripts):
                task.cancel()
            await asyncio.gather(accepting, *scripts, return_exceptions=True)
            for peer in server.peers:  # a script cancelled before its first step has closed nothing
                peer.close()


async def _accept(listener: socket.socket, server: Scripted, script: Script, scripts: set[asyncio.Task[None]]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        sock, _ = await loop.sock_accept(listener)
        peer = Peer(sock, len(server.peers) + 1)
        server.peers.append(peer)
        scripts.add(loop.create_task(_play(script, peer)))


async def _play(script: Script, peer: Peer) -> None:
    try:
        await script(peer)
    finally:
        peer.close()


def answers(*texts: bytes) -> Script:
    """Answer requests with these, in order, the last again and again, until the client closes."""

    async def script(peer: Peer) -> None:
        count = 0
        while await peer.request():
            await peer.say(texts[min(count, len(texts) - 1)])
            count += 1

    return script


def once(text: bytes) -> Script:
    """Answer one request with this and close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(text)

    return script


def hangs_up_once(text: bytes = OK) -> Script:
    """Answer requests with this, but close in place of an answer to the first connection's second request."""

    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await once(text)(peer)
            await peer.request()
        else:
            await answers(text)(peer)

    return script


async def silence(peer: Peer) -> None:
    """Hear everything and say nothing."""
    await peer.gone()
