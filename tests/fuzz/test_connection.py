"""One connection, told whatever a server can send: each exchange gets its own answer or an error, and no other's."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.line import Line, line
from tests.fuzz.reading import Asked, cut, read
from tests.fuzz.responses import TOKENS, Made, mutated, tolerable
from tests.fuzz.streamed import read_streamed

CUTS = st.lists(st.integers(0, 200), max_size=5)


def check(pieces: list[bytes], asked: Asked) -> None:
    """An exchange of whole messages and one in pieces come to what the parsers read of them."""
    with line() as one:
        check_whole(one, pieces, asked)
    with line() as another:
        check_streamed(another, pieces, asked)


def check_whole(on: Line, pieces: list[bytes], asked: Asked) -> None:
    """The answer is the response, an error, or still to come; a connection that is kept has nothing left in it."""
    answer = on.ask(asked)
    on.hear(pieces)
    expected = read(pieces, msgspec.structs.replace(asked, ends=False))
    assert answer.done() == (expected.verdict != "unfinished")
    if not answer.done():
        on.end()
        expected = read(pieces, msgspec.structs.replace(asked, ends=True))
    if expected.verdict != "complete":
        on.check_failed(answer.exception(), expected)
        return
    received = answer.result()
    assert (received.status, received.body) == (expected.status, expected.body)
    kept = received.keep and on.is_open()
    assert kept <= expected.keep
    if kept:
        on.check_next()


def check_streamed(on: Line, pieces: list[bytes], asked: Asked) -> None:
    """The same of an exchange whose body is handed on, with all that was told beside it."""
    streaming = on.open(asked)
    on.hear(pieces)
    told = read_streamed(pieces, msgspec.structs.replace(asked, ends=False))
    assert streaming.is_over() == (told.reading.verdict != "unfinished")
    if not streaming.is_over():
        on.end()
        told = read_streamed(pieces, msgspec.structs.replace(asked, ends=True))
    assert tuple(streaming.interims) == told.interims
    if told.reading.verdict != "complete":
        on.check_failed(streaming.failure(), told.reading)
        assert True not in streaming.kept
        return
    assert streaming.exchange.answer.result().status == told.reading.status
    assert (streaming.body(), streaming.inflow.trailers) == (told.reading.body, told.trailers)
    kept = streaming.kept == [True] and on.is_open()
    assert kept <= told.reading.keep
    if kept:
        on.check_next()


@given(tolerable(), st.booleans(), CUTS)
def test_an_exchange_gets_its_response_and_the_next_one_its_own(made: Made, drain: bool, cuts: list[int]) -> None:
    check(cut(made.stream, cuts), Asked(head_only=made.head_only, drain=drain))


@given(mutated(), st.booleans(), CUTS)
def test_a_response_that_was_tampered_with_spoils_no_other(
    stream: tuple[bytes, bool], drain: bool, cuts: list[int]
) -> None:
    check(cut(stream[0], cuts), Asked(head_only=stream[1], drain=drain))


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12), st.booleans(), CUTS)
def test_any_tokens_in_any_order_spoil_no_other(tokens: list[bytes], head_only: bool, cuts: list[int]) -> None:
    check(cut(b"HTTP/1.1 200 OK\r\n" + b"".join(tokens), cuts), Asked(head_only=head_only))


@given(tolerable().filter(lambda made: made.keep), st.booleans(), st.binary(min_size=1, max_size=9), CUTS)
def test_a_kept_connection_that_hears_anything_unasked_is_never_used_again(
    made: Made, streamed: bool, unasked: bytes, cuts: list[int]
) -> None:
    with line() as on:
        asked = Asked(head_only=made.head_only)
        kept = on.open(asked).kept if streamed else on.ask(asked)
        on.hear(cut(made.stream, cuts))
        assert kept == [True] if isinstance(kept, list) else kept.result().keep
        assert on.is_open()
        on.hear([unasked])
        assert not on.is_open()
