"""A connection as an airline sees it: HTTP/1.1 or HTTP/2, requests without content, each answered when it is time."""

import asyncio
import contextlib
from typing import cast

import httptools
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, RequestReceived
from h2.exceptions import ProtocolError

from examples.flight_prices.airlines import Desk, Reply

_REASONS = {200: b"OK", 429: b"Too Many Requests", 503: b"Service Unavailable"}


class Conversation(asyncio.Protocol):
    """What both have in common: who answers, and where the answer goes."""

    transport: asyncio.Transport

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def ask(self, path: str, stream: int) -> None:
        """Have the desk answer, after the time that it takes."""
        reply = self._desk.answer(path, self._loop.time())
        self._loop.call_later(reply.after, self._deliver, reply, stream)

    def reply(self, reply: Reply, stream: int) -> None:
        """Say this."""
        raise NotImplementedError

    def _deliver(self, reply: Reply, stream: int) -> None:
        if not self.transport.is_closing():  # else whoever asked has gone
            self.reply(reply, stream)


class Http1(Conversation):
    """HTTP/1.1, one request after the other. httptools calls the methods with `on_`."""

    _path = ""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_url(self, url: bytes) -> None:
        """The request's target."""
        self._path = url.decode("ascii", "replace")

    def on_message_complete(self) -> None:
        """The request is there."""
        self.ask(self._path, 0)

    def reply(self, reply: Reply, stream: int) -> None:  # noqa: ARG002 - here a connection is all the stream there is
        """As `Conversation` has it."""
        reason, length = _REASONS[reply.status], len(reply.body)
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % (reply.status, reason, length) + reply.body)


class Http2(Conversation):
    """HTTP/2, many requests at once."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it: the server's settings go first."""
        super().connection_made(transport)
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            events = [ConnectionTerminated()]
        for event in events:
            if isinstance(event, RequestReceived):
                self.ask(dict(event.headers)[b":path"].decode(), event.stream_id)
        self._flush()
        if any(isinstance(event, ConnectionTerminated) for event in events):
            self.transport.close()

    def reply(self, reply: Reply, stream: int) -> None:
        """As `Conversation` has it."""
        with contextlib.suppress(ProtocolError):  # the stream has been reset meanwhile: its deadline came first
            self._h2.send_headers(stream, [(":status", str(reply.status)), ("content-type", "application/json")])
            self._h2.send_data(stream, reply.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)
