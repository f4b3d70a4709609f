"""One connection, told by hand what the loop would tell it."""

import asyncio
import ssl
import time

import pytest

from milkrun.client import Client, RequestError, RequestTimeoutError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.link import Closed, Link
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.connection import Connection
from milkrun.client.http1.wire import Received
from milkrun.client.timings import Timings
from tests.support.transports import Beneath, KeptTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Owner:
    def __init__(self) -> None:
        self.told: list[object] = []

    def expired(self, connection: Link, now: float) -> None:  # noqa: ARG002  # as the protocol has it
        self.told.append("expired")

    def ending(self, connection: Link) -> None:
        """Said of every end, so it is not noted."""

    def spoilt(self, connection: Link, reason: Closed) -> None:  # noqa: ARG002  # as above
        self.told.append(reason)

    def settled(self, connection: Link) -> None:
        """Said by those that carry several exchanges."""

    def vacated(self, connection: Link) -> None:
        """As above."""

    def lost(self, connection: Link) -> None:  # noqa: ARG002  # as above
        self.told.append("lost")


def made(*, owned: bool = True) -> tuple[Connection, KeptTransport]:
    loop = asyncio.get_running_loop()
    connection = Connection(
        loop=loop,
        deadlines=Deadlines(loop, time.monotonic),
        clock=time.monotonic,
        max_head=1000,
        patience=60,
        jitter=1,
    )
    transport = KeptTransport()
    connection.connection_made(transport)
    if owned:
        connection.owner = Owner()
    return connection, transport


def start(connection: Connection, *, content: bytes | None = None) -> asyncio.Future[Received]:
    request = Client().prepare("POST", "http://a.test/", content=content)
    now = time.monotonic()
    return connection.start(request, Trip(now, now + 60, now, Timings()))


def told(connection: Connection) -> list[object]:
    assert isinstance(connection.owner, Owner)
    return connection.owner.told


async def test_what_came_before_the_first_request_is_its_answer() -> None:
    connection, _ = made(owned=False)
    connection.data_received(OK[:20])
    connection.data_received(OK[20:])
    assert (await start(connection)).body == b"hi"


@pytest.mark.parametrize(("early", "kind"), [(b"", "closed"), (b"HTTP/1.1 200 OK\r\n", "closed"), (OK, None)])
async def test_a_connection_that_ended_before_the_first_request_sends_none(early: bytes, kind: str | None) -> None:
    connection, transport = made(owned=False)
    if early:
        connection.data_received(early)
    connection.eof_received()
    connection.connection_lost(None)
    answer = start(connection)
    assert transport.written == b""
    if kind is None:
        assert (await answer).body == b"hi"
    else:
        with pytest.raises(RequestError) as caught:
            await answer
        assert caught.value.kind == kind


async def test_what_comes_unasked_later_spoils_the_connection_once() -> None:
    connection, _ = made()
    answer = start(connection)
    connection.data_received(OK)
    await answer
    connection.data_received(b"more")
    connection.data_received(b"more")
    connection.eof_received()
    assert told(connection) == [Closed.UNASKED]
    assert connection.ended is Closed.UNASKED


async def test_a_spent_connection_is_not_spoilt_by_what_still_comes() -> None:
    connection, _ = made()
    answer = start(connection)
    connection.data_received(OK + b"more")
    assert not (await answer).keep
    connection.data_received(b"and more")
    connection.connection_lost(None)
    assert told(connection) == ["lost"]
    assert connection.ended is Closed.NOT_KEPT


@pytest.mark.parametrize("cause", [None, ConnectionResetError(), ssl.SSLError(1, "bad record")])
@pytest.mark.parametrize("paused", [False, True])
async def test_a_lost_connection_names_the_phase_and_how(cause: Exception | None, paused: bool) -> None:
    connection, transport = made()
    if paused:
        connection.pause_writing()
    answer = start(connection, content=b"x" * 100_000)
    connection.connection_lost(cause)
    with pytest.raises(RequestError) as caught:
        await answer
    assert caught.value.layer == ("send" if paused else "wait")
    assert caught.value.kind == ("reset" if isinstance(cause, ConnectionResetError) else "closed")
    assert caught.value.__cause__ is cause
    assert transport.ended == "aborted"


async def test_a_deadline_fails_the_exchange_and_an_idle_ones_end_goes_to_the_owner() -> None:
    connection, _ = made()
    answer = start(connection)
    connection.strike(0)
    with pytest.raises(RequestTimeoutError):
        await answer
    assert connection.ended is Closed.TIMEOUT
    other, _ = made()
    other.strike(0)
    assert told(other) == ["expired"]


async def test_an_answer_or_a_failure_for_somebody_who_has_gone_is_nobodys() -> None:
    for data in (OK, b"rubbish\r\n\r\n"):
        connection, _ = made()
        start(connection).cancel()
        connection.data_received(data)
        assert connection.answer is None


async def test_the_phase_of_sending_ends_when_the_transport_has_room_again() -> None:
    connection, _ = made()
    connection.pause_writing()
    start(connection)
    assert connection._layer() == "send"
    connection.resume_writing()
    assert connection._layer() == "wait"


@pytest.mark.parametrize("waits", [0, 1])
async def test_an_answer_says_that_a_large_request_has_gone_unless_something_of_it_waits(waits: int) -> None:
    connection, _ = made()
    connection.beneath = beneath = Beneath()
    beneath.waits = 1
    answer = start(connection, content=b"x" * 100_000)
    assert connection._layer() == "send"
    beneath.waits = waits
    connection.data_received(OK)
    assert (await answer).keep == (waits == 0)
