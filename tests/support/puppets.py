"""An HTTP/1.1 origin whose every move is made by hand: each connection waits for a test to say what it does."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Puppet(asyncio.Protocol):
    """The server's end of one connection. It answers a request with the path that was asked for.

    Attributes:
        path, host: of the request that is to be answered; None: there is none.
        is_half: whether the response has begun.
        is_spoilt: whether no further request may come, by what was said so far.
        lost: whether the connection is closed.
    """

    def __init__(self, origin: "Puppets") -> None:
        self._origin = origin
        self._data = b""
        self.path: bytes | None = None
        self.host: bytes | None = None
        self.is_half = self.is_spoilt = self.lost = False
        self._is_hearing = False  # the content of a request is on its way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._origin.puppets.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # that it is gone is all
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._is_hearing:
            self._hear_content()
        elif _HEAD_END in self._data:
            head, _, self._data = self._data.partition(_HEAD_END)
            self._hear(head)

    def whole(self) -> None:
        """Answer, and keep the connection."""
        self._say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self.asked), self.asked))
        self._done()

    def chunked(self) -> None:
        """The same in a chunk."""
        self._say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
                  % (len(self.asked), self.asked))  # fmt: skip
        self._done()

    def last(self) -> None:
        """Answer, and say that the connection will be closed; leave that to the client."""
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        self._say(head % (len(self.asked), self.asked))
        self.is_spoilt = True
        self._done()

    def until_close(self) -> None:
        """Answer with a body that ends with the connection."""
        self._say(b"HTTP/1.1 200 OK\r\n\r\n" + self.asked)
        self.close()

    def half(self) -> None:
        """Begin an answer."""
        self._say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self.asked), self.asked[:1]))
        self.is_half = True

    def rest(self) -> None:
        """Bring the rest of what has begun."""
        self._say(self.asked[1:])
        self._done()

    def with_more(self) -> None:
        """Answer, and say something else at once."""
        self.is_spoilt = True
        self._say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%brubbish" % (len(self.asked), self.asked))
        self._done()

    def interim(self) -> None:
        """Say that the content, if there is any, may come."""
        self._say(b"HTTP/1.1 100 Continue\r\n\r\n")

    def rubbish(self) -> None:
        """Say what is no HTTP."""
        self.is_spoilt = True
        self._say(b"rubbish\r\n\r\n")
        self._done()

    def unasked(self) -> None:
        """Say something that nobody asked for."""
        self.is_spoilt = True
        self._say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        """Close in good order."""
        self.is_spoilt = True
        self._transport.close()

    def reset(self) -> None:
        """Close with RST."""
        self.is_spoilt = True
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    @property
    def asked(self) -> bytes:
        """What is to be answered."""
        return cast("bytes", self.path)

    def _hear(self, head: bytes) -> None:
        if self.is_spoilt or self.path is not None:
            self._origin.complaints.append(f"a request where none may come: {head!r}")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        self.path, self.host = head.split()[1], fields[b"Host"]
        if b"Transfer-Encoding" in fields:
            self._hear_content()

    def _hear_content(self) -> None:
        self._is_hearing = not self._data.endswith(_LAST_CHUNK)
        if not self._is_hearing:
            self._data = b""

    def _done(self) -> None:
        self.path, self.is_half = None, False
        self.is_spoilt |= self._is_hearing  # the rest of the content is still to come

    def _say(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class Puppets:
    """The running origin: where it is, every connection it has had, and what is wrong with what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.puppets: list[Puppet] = []
        self.complaints: list[str] = []


@asynccontextmanager
async def puppets(host: str = "127.0.0.1") -> AsyncIterator[Puppets]:
    """Let connections wait; all end with the block."""
    origin = Puppets()
    serving = await asyncio.get_running_loop().create_server(lambda: Puppet(origin), host, 0, backlog=1024)
    origin.port = serving.sockets[0].getsockname()[1]
    try:
        yield origin
    finally:
        serving.close()
        for puppet in origin.puppets:
            puppet._transport.abort()
