"""A response read piece by piece is the one that is read whole; and what only a stream tells is told in full."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.reading import BOUND, MAX_HEAD, Asked, alike, bytewise, cut, read
from tests.fuzz.responses import TOKENS, Made, mutated, tolerable, valid
from tests.fuzz.streamed import read_streamed

CUTS = st.lists(st.integers(0, 200), max_size=5)


def check_alike(stream: bytes, asked: Asked, cuts: list[int]) -> None:
    """It comes to what reading it whole comes to, however it is cut; each way tells the same beside that."""
    whole = read_streamed([stream], asked)
    assert alike(whole.reading, read([stream], asked))
    for told in (read_streamed(cut(stream, cuts), asked), read_streamed(bytewise(stream), asked)):
        assert told == whole or BOUND in {told.reading.verdict, whole.reading.verdict}


@given(tolerable(), CUTS)
def test_interim_responses_and_trailers_are_told_as_they_came(made: Made, cuts: list[int]) -> None:
    asked = Asked(head_only=made.head_only, ends=not made.delimited)
    told = read_streamed(cut(made.stream, cuts), asked)
    assert (told.interims, told.trailers, told.rest) == (made.interims, made.trailers, None)
    assert (told.reading.body, told.reading.keep) == (made.body, made.keep)
    check_alike(made.stream, asked, cuts)


@given(mutated(), st.booleans(), CUTS)
def test_what_was_tampered_with_is_read_alike(stream: tuple[bytes, bool], ends: bool, cuts: list[int]) -> None:
    check_alike(stream[0], Asked(head_only=stream[1], ends=ends), cuts)


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12), st.booleans(), CUTS)
def test_any_tokens_in_any_order_are_read_alike(tokens: list[bytes], head_only: bool, cuts: list[int]) -> None:
    check_alike(b"HTTP/1.1 200 OK\r\n" + b"".join(tokens), Asked(head_only=head_only), cuts)


@given(st.integers(0, 3 * MAX_HEAD), st.booleans(), CUTS)
def test_trailers_and_extensions_have_a_bound(size: int, extension: bool, cuts: list[int]) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    extra = b"0;a=" + b"x" * size + b"\r\n\r\n" if extension else b"0\r\nT: " + b"x" * size + b"\r\n\r\n"
    stream = head + b"5\r\nhello\r\n" + extra
    framing = MAX_HEAD + len(head) + 9 * len(b"hello") - (len(stream) - size)
    limit = framing if extension else MAX_HEAD - len(b"T")
    for pieces in ([stream], cut(stream, cuts), bytewise(stream)):
        assert read_streamed(pieces, Asked()).reading.verdict == ("complete" if size <= limit else BOUND)


def test_trailers_are_given_up_long_before_they_are_as_many_as_a_large_body_would_allow() -> None:
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n190\r\n" + bytes(400) + b"\r\n0\r\n"
    told = read_streamed([body, b"a:\r\n" * 200, b"a:\r\n" * 200, b"a:\r\n" * 300], Asked())
    assert told.reading.verdict == BOUND


@given(valid(), st.sampled_from([b"101", b"200"]), st.binary(max_size=50), CUTS)
def test_what_follows_a_hand_over_is_left_as_it_came(made: Made, status: bytes, rest: bytes, cuts: list[int]) -> None:
    head = b"HTTP/1.1 " + status + b" There You Are\r\nContent-Length: 5\r\n\r\n"
    stream = b"".join(made.interims) + head + rest
    for pieces in ([stream], cut(stream, cuts), bytewise(stream)):
        told = read_streamed(pieces, Asked(), lambda seen: seen == int(status))
        assert (told.reading.verdict, told.reading.status, told.reading.head) == ("complete", int(status), head)
        assert (told.rest, told.reading.body, told.interims) == (rest, b"", made.interims)


@given(mutated(), CUTS)
@example((b"\n\nTP/1.1 200 OK\r\n\r\n", False), [])
@example((b"\nTTP/1.1 200 OK\r\n\r\n", False), [1])
def test_a_tampered_hand_over_is_read_alike(stream: tuple[bytes, bool], cuts: list[int]) -> None:
    def takes_over(status: int) -> bool:
        return status in {101, 200}

    whole = read_streamed([stream[0]], Asked(), takes_over)
    for pieces in (cut(stream[0], cuts), bytewise(stream[0])):
        told = read_streamed(pieces, Asked(), takes_over)
        assert told == whole or BOUND in {told.reading.verdict, whole.reading.verdict}
