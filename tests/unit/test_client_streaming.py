"""One HTTP/1.1 exchange in pieces, told by hand what the loop would tell it."""

import asyncio

import pytest

from milkrun.client import Client, RequestError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.connection import Connection
from milkrun.client.http1.streaming import StreamedExchange
from milkrun.client.timings import Timings
from tests.support.transports import Beneath, KeptTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Lent(KeptTransport):
    """A transport that says whose it is."""

    def __init__(self) -> None:
        super().__init__()
        self.protocols: list[asyncio.BaseProtocol] = []

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocols.append(protocol)


def opened(
    *, content: bytes | None = None, beneath: Beneath | None = None
) -> tuple[Connection, Lent, StreamedExchange, Inflow]:
    loop = asyncio.get_running_loop()
    connection = Connection(
        loop=loop, deadlines=Deadlines(loop, loop.time), clock=loop.time, max_head=1000, patience=60, jitter=1
    )
    transport, inflow, now = Lent(), Inflow(lambda _: None), loop.time()
    connection.connection_made(transport)
    connection.beneath = beneath
    request = Client().prepare("POST", "http://a.test/", content=content)
    exchange = connection.open(request, Trip(now, now + 60, now, Timings()), inflow, lambda _: None)
    return connection, transport, exchange, inflow


async def test_for_its_length_it_takes_its_connections_place() -> None:
    connection, transport, exchange, inflow = opened()
    assert transport.protocols == [exchange]
    exchange.data_received(OK)
    assert transport.protocols == [exchange, connection]
    assert await inflow.read(1) == b"hi"
    assert inflow.complete


async def test_what_comes_after_its_end_is_its_connections_business() -> None:
    connection, _, exchange, inflow = opened()
    exchange.data_received(OK)
    exchange.eof_received()
    assert connection.ended is None
    exchange.connection_lost(None)
    assert connection.lost
    assert inflow.error is None


@pytest.mark.parametrize("heard", [b"", OK[:-1]])
async def test_whoever_waits_hears_of_a_loss(heard: bytes) -> None:
    connection, transport, exchange, inflow = opened()
    exchange.data_received(heard)
    exchange.connection_lost(ConnectionResetError())
    assert connection.lost
    if heard:
        assert await inflow.read(1) == b"h"
        with pytest.raises(RequestError, match="receive/reset"):
            await inflow.read(1)
    else:
        with pytest.raises(RequestError, match="wait/reset"):
            await exchange.answer
    assert transport.ended == "aborted"


async def test_an_answer_for_somebody_who_has_gone_is_nobodys() -> None:
    connection, transport, exchange, inflow = opened()
    exchange.answer.cancel()
    exchange.data_received(OK)
    assert transport.protocols[-1] is connection
    assert inflow.complete


async def test_content_that_ends_after_the_answer_is_not_sent() -> None:
    _, transport, exchange, _ = opened()
    exchange.data_received(OK)
    before = transport.written
    exchange.end_content()
    assert transport.written == before


async def test_a_request_that_has_gone_unnoticed_was_sent_when_the_answer_began() -> None:
    beneath = Beneath()
    beneath.waits = 1
    connection, _, exchange, inflow = opened(content=b"x" * 100_000, beneath=beneath)
    assert exchange._trip.sent == 0
    beneath.waits = 0
    exchange.data_received(OK)
    assert exchange._trip.sent == exchange._trip.heard > 0
    assert inflow.complete
    exchange._departure.look()
    assert exchange._trip.sent == exchange._trip.heard
    assert connection.ended is None
