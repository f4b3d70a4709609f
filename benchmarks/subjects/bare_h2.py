"""The floor for HTTP/2: asyncio.Protocol and the h2 library as it comes, one future a request, and no feature at all.

What `bare` is for HTTP/1.1; what a client costs beyond this is what its features cost.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded


class Line(asyncio.Protocol):
    """One connection; `ask` sends the request and gives a future of the status."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._h2 = H2Connection()
        self._answered: dict[int, asyncio.Future[int]] = {}
        self._status: dict[int, int] = {}
        self._body: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and send the preface."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._h2.initiate_connection()
        self.transport.write(self._h2.data_to_send())

    def ask(self, request: list[tuple[str, str]]) -> asyncio.Future[int]:
        """Send `request`."""
        number = self._h2.get_next_available_stream_id()
        answered = self._answered[number] = self._loop.create_future()
        self._h2.send_headers(number, request, end_stream=True)
        self.transport.write(self._h2.data_to_send())
        return answered

    def data_received(self, data: bytes) -> None:
        """Hand it to h2, and what h2 has to say to the server."""
        for event in self._h2.receive_data(data):
            match event:
                case ResponseReceived():
                    self._status[event.stream_id] = int(dict(event.headers)[b":status"])
                case DataReceived():
                    self._body[event.stream_id] = event.data  # these answers come in one piece
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self._body.pop(event.stream_id)
                    self._answered.pop(event.stream_id).set_result(self._status.pop(event.stream_id))
        if reply := self._h2.data_to_send():
            self.transport.write(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        for answered in self._answered.values():
            answered.set_exception(exc or ConnectionResetError("closed by the origin"))


class BareH2:
    """The floor as a subject."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        parts = [urlsplit(url) for url in urls]
        self._places = [(part.hostname or "", part.port or 0) for part in parts]
        self._requests = [
            [
                (":method", "GET"),
                (":scheme", part.scheme),
                (":authority", part.netloc),
                (":path", "/"),
                ("user-agent", "bare"),
                ("accept", "*/*"),
            ]
            for part in parts
        ]
        self._ssl = ssl.create_default_context(cafile=ca)
        self._ssl.set_alpn_protocols(["h2"])
        self._lines: list[Line | None] = [None] * len(urls)

    async def get(self, index: int) -> int:
        """GET on the origin's own connection."""
        line = self._lines[index]
        if line is None:
            line = self._lines[index] = await self._connect(index)
        return await line.ask(self._requests[index])

    async def close(self) -> None:
        """Drop every connection."""
        for line in self._lines:
            if line is not None:
                line.transport.abort()

    async def _connect(self, index: int) -> Line:
        host, port = self._places[index]
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Line, host, port, ssl=self._ssl, server_hostname=host))[1]
