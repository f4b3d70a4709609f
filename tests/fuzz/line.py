"""A connection, and the hands that play its transport and its pool."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import cast

import msgspec

from milkrun.client import Client
from milkrun.client.errors import RequestError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.connection import Connection
from milkrun.client.http1.streaming import StreamedExchange
from milkrun.client.http1.wire import Received
from milkrun.client.timings import Timings
from tests.fuzz.reading import CAP, MAX_HEAD, Asked, Reading, verdict
from tests.support.transports import KeptTransport

_REQUEST = Client().prepare("GET", "http://a.test/")
_SECOND = b"HTTP/1.1 202 Second\r\nContent-Length: 6\r\n\r\nsecond"


class _Transport(KeptTransport):
    """One that can be lent; nothing here is so large that its reading would be paused."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast("asyncio.Protocol", protocol)


class Streaming(msgspec.Struct):
    """An exchange in pieces, and what came of it; `kept`: what its end said of the connection."""

    exchange: StreamedExchange
    inflow: Inflow
    interims: list[bytes]
    kept: list[bool]

    def failure(self) -> BaseException | None:
        """What it failed with: its answer before the head was there, its body after that."""
        answer = self.exchange.answer
        return (answer.exception() if answer.done() else None) or self.inflow.error

    def is_over(self) -> bool:
        """Whether the whole body is there, or never will be."""
        return self.inflow.complete or self.failure() is not None

    def body(self) -> bytes:
        """What came of the body."""
        return b"".join(self.inflow._pieces)


class Line:
    """One connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport = _Transport()
        self.connection = Connection(
            loop=loop,
            deadlines=Deadlines(loop, time.monotonic),
            clock=time.monotonic,
            max_head=MAX_HEAD,
            patience=60,
            jitter=1,
        )
        self.transport.set_protocol(self.connection)
        self.connection.connection_made(self.transport)

    def ask(self, asked: Asked) -> asyncio.Future[Received]:
        """Start an exchange of whole messages."""
        request = msgspec.structs.replace(_REQUEST, head_only=asked.head_only, drain=asked.drain, max_body=CAP)
        return self.connection.start(request, _trip())

    def open(self, asked: Asked) -> Streaming:
        """Start an exchange whose response comes in pieces."""
        interims: list[bytes] = []
        kept: list[bool] = []
        inflow = Inflow(kept.append)
        request = msgspec.structs.replace(_REQUEST, head_only=asked.head_only, max_body=CAP)
        exchange = self.connection.open(request, _trip(), inflow, interims.append)
        return Streaming(exchange, inflow, interims, kept)

    def hear(self, pieces: list[bytes]) -> None:
        """The server sends these, as far as the transport is still open to read them."""
        for piece in pieces:
            if piece and self.transport.ended is None:
                self.transport.protocol.data_received(piece)

    def end(self) -> None:
        """The server sends no more."""
        self.transport.protocol.eof_received()

    def is_open(self) -> bool:
        """Whether the pool could hand the connection out again."""
        return self.connection.ended is None and self.transport.ended is None

    def check_next(self) -> None:
        """The next exchange has its own answer, and nothing of any before."""
        answer = self.ask(Asked())
        self.hear([_SECOND])
        received = answer.result()
        assert (received.status, received.body, received.keep) == (202, b"second", True)

    def check_failed(self, error: BaseException | None, expected: Reading) -> None:
        """The exchange failed as the stream has it, and the connection with it."""
        assert isinstance(error, RequestError)
        early = "wait/closed" if expected.status is None else "receive/truncated"
        due = early if expected.verdict == "unfinished" else expected.verdict
        assert verdict(error) == due
        assert not self.is_open()


@contextmanager
def line() -> Iterator[Line]:
    """A connection on a loop of its own, which never runs."""
    with closing(asyncio.new_event_loop()) as loop:
        yield Line(loop)


def _trip() -> Trip:
    now = time.monotonic()
    return Trip(now, now + 60, now, Timings())
