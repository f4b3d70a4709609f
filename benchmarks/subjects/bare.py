"""The floor: asyncio.Protocol and httptools, one future a request, and no feature at all.

No deadline, no timings, no headers kept, no pool: one connection an origin, and one request at a time on it. What a
client costs beyond this is what its features cost.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import httptools


class Line(asyncio.Protocol):
    """One connection; `ask` sends the request and gives a future of the status."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[int] | None = None
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send `request`."""
        answered = self._answered = self._loop.create_future()
        self.transport.write(request)
        return answered

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep the body: these answers come in one piece."""
        self._body = body

    def on_message_complete(self) -> None:
        """Give the status; afterwards the parser forgets it."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("closed by the origin"))


class Bare:
    """The floor as a subject: it can also make a new connection for a request."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        parts = [urlsplit(url) for url in urls]
        self._places = [(part.hostname or "", part.port or 0) for part in parts]
        self._requests = [
            f"GET / HTTP/1.1\r\nHost: {part.netloc}\r\nAccept: */*\r\nUser-Agent: bare\r\n\r\n".encode()
            for part in parts
        ]
        self._ssl = ssl.create_default_context(cafile=ca) if parts[0].scheme == "https" else None
        self._lines: list[Line | None] = [None] * len(urls)

    async def get(self, index: int) -> int:
        """GET on the origin's own connection."""
        line = self._lines[index]
        if line is None:
            line = self._lines[index] = await self._connect(index)
        return await line.ask(self._requests[index])

    async def fresh(self, index: int) -> int:
        """GET on a new connection, closed afterwards."""
        line = await self._connect(index)
        try:
            return await line.ask(self._requests[index])
        finally:
            line.transport.close()

    async def close(self) -> None:
        """Drop every connection."""
        for line in self._lines:
            if line is not None:
                line.transport.abort()

    async def _connect(self, index: int) -> Line:
        host, port = self._places[index]
        name = host if self._ssl else None
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Line, host, port, ssl=self._ssl, server_hostname=name))[1]
