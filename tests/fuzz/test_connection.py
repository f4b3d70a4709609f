"""One connection, told whatever a server can send: each exchange gets its own answer or an error, and no other's."""

import asyncio
import time
from contextlib import closing

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client import Client
from milkrun.client.connection import Connection
from milkrun.client.deadlines import Deadlines
from milkrun.client.errors import RequestError
from milkrun.client.timings import Timings
from milkrun.client.trip import Trip
from milkrun.client.wire import Received
from tests.fuzz.reading import CAP, MAX_HEAD, Asked, cut, read
from tests.fuzz.responses import TOKENS, Made, mutated, tolerable
from tests.support.transports import KeptTransport

CUTS = st.lists(st.integers(0, 200), max_size=5)
SECOND = b"HTTP/1.1 202 Second\r\nContent-Length: 6\r\n\r\nsecond"
REQUEST = Client().prepare("GET", "http://a.test/")


class Line:
    """A connection and the hands that play its transport."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = KeptTransport()
        self.connection = Connection(
            loop=loop,
            deadlines=Deadlines(loop, time.monotonic),
            clock=time.monotonic,
            max_head=MAX_HEAD,
            patience=60,
            jitter=1,
        )
        self.connection.connection_made(self.transport)

    def ask(self, asked: Asked) -> asyncio.Future[Received]:
        """Start an exchange."""
        now = time.monotonic()
        request = msgspec.structs.replace(REQUEST, head_only=asked.head_only, drain=asked.drain, max_body=CAP)
        return self.connection.start(request, Trip(now, now + 60, now, Timings()))

    def hear(self, pieces: list[bytes]) -> None:
        """The server sends these, as far as the transport is still open to read them."""
        for piece in pieces:
            if piece and self.transport.ended is None:
                self.connection.data_received(piece)

    def reusable(self, received: Received) -> bool:
        """Whether the pool would hand the connection out again."""
        return received.keep and self.connection.ended is None


def check(stream: bytes, asked: Asked, cuts: list[int]) -> None:
    """The exchange comes to what the parser reads; where the connection is kept, the next one has its own answer."""
    with closing(asyncio.new_event_loop()) as loop:
        check_on(Line(loop), stream, asked, cuts)


def check_on(line: Line, stream: bytes, asked: Asked, cuts: list[int]) -> None:
    """The same, on this connection."""
    answer = line.ask(asked)
    line.hear(cut(stream, cuts))
    expected = read([stream], msgspec.structs.replace(asked, ends=False))
    if expected.verdict == "unfinished":
        assert not answer.done()
        line.connection.eof_received()
        expected = read([stream], msgspec.structs.replace(asked, ends=True))
        if expected.verdict == "unfinished":
            error = answer.exception()
            assert isinstance(error, RequestError)
            assert f"{error.layer}/{error.kind}" == ("wait/closed" if expected.status is None else "receive/truncated")
    error = answer.exception()
    if error is not None:
        assert line.transport.ended == "aborted"
        assert line.connection.ended is not None
        return
    received = answer.result()
    assert (received.status, received.body) == (expected.status, expected.body)
    assert line.reusable(received) <= expected.keep
    if line.reusable(received):
        again = line.ask(Asked())
        line.hear([SECOND])
        assert (again.result().status, again.result().body, again.result().keep) == (202, b"second", True)


@given(tolerable(), st.booleans(), CUTS)
def test_an_exchange_gets_its_response_and_the_next_one_its_own(made: Made, drain: bool, cuts: list[int]) -> None:
    check(made.stream, Asked(head_only=made.head_only, drain=drain), cuts)


@given(mutated(), st.booleans(), CUTS)
def test_a_response_that_was_tampered_with_spoils_no_other(
    stream: tuple[bytes, bool], drain: bool, cuts: list[int]
) -> None:
    check(stream[0], Asked(head_only=stream[1], drain=drain), cuts)


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12), st.booleans(), CUTS)
def test_any_tokens_in_any_order_spoil_no_other(tokens: list[bytes], head_only: bool, cuts: list[int]) -> None:
    check(b"HTTP/1.1 200 OK\r\n" + b"".join(tokens), Asked(head_only=head_only), cuts)


@given(tolerable().filter(lambda made: made.keep), st.binary(min_size=1, max_size=9), CUTS)
def test_a_kept_connection_that_hears_anything_unasked_is_never_used_again(
    made: Made, unasked: bytes, cuts: list[int]
) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        line = Line(loop)
        answer = line.ask(Asked(head_only=made.head_only))
        line.hear(cut(made.stream, cuts))
        assert line.reusable(answer.result())
        line.hear([unasked])
        assert not line.reusable(answer.result())
