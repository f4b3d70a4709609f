"""The parser, fed whatever can be sent: read as what it is or refused, the same for every way to cut it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.client.http1.wire import ResponseParser
from tests.fuzz.oracle import opinion
from tests.fuzz.reading import CAP, MAX_HEAD, Asked, Reading, alike, bytewise, cut, read
from tests.fuzz.responses import TOKENS, Made, chunks, mutated, tolerable, valid

CUTS = st.lists(st.integers(0, 200), max_size=5)
A_FEW = settings(max_examples=25)  # of each line of a table
REST = st.one_of(st.binary(min_size=1), st.sampled_from(TOKENS)).filter(lambda rest: rest.strip(b"\r\n"))
ASKED = st.builds(Asked, head_only=st.booleans(), drain=st.booleans(), ends=st.booleans())


def as_made(made: Made) -> Reading:
    """What is to be read of it."""
    return Reading(verdict="complete", status=made.status, body=made.body, size=len(made.body), keep=made.keep)


def but_words(reading: Reading) -> Reading:
    """Without what says how it was written."""
    return msgspec.structs.replace(reading, head=b"", notable=False, warnings=())


@given(tolerable(), CUTS)
def test_a_response_is_read_as_what_it_is(made: Made, cuts: list[int]) -> None:
    asked = Asked(head_only=made.head_only, ends=not made.delimited)
    whole = read([made.stream], asked)
    assert but_words(whole) == as_made(made)
    assert set(whole.warnings) == made.warnings
    assert read(cut(made.stream, cuts), asked) == whole
    assert read(bytewise(made.stream), asked) == whole
    drained = read([made.stream], msgspec.structs.replace(asked, drain=True))
    assert drained == msgspec.structs.replace(whole, body=b"")


@given(st.lists(valid().filter(lambda made: made.keep), min_size=2, max_size=4))
def test_one_response_has_nothing_of_the_one_before(several: list[Made]) -> None:
    parser = ResponseParser(max_head=MAX_HEAD)
    for made in several:
        parser.expect(made.head_only, CAP, False)
        assert parser.feed(made.stream)
        received = parser.take()
        assert (received.status, received.body, received.keep) == (made.status, made.body, True)


@given(tolerable())
def test_a_response_that_ends_early_is_never_taken_for_a_whole_one(made: Made) -> None:
    asked = Asked(head_only=made.head_only)
    framed = len(made.heads)
    for at in range(len(made.stream)):
        reading = read([made.stream[:at]], asked)
        if made.delimited or at < framed:
            assert (reading.verdict, reading.keep) == ("unfinished", False)
            assert reading.status == (None if at < framed else made.status)
        else:  # there is no telling
            assert (reading.verdict, reading.body, reading.keep) == ("complete", made.stream[framed:at], False)


@given(tolerable().filter(lambda made: made.delimited), REST, CUTS)
def test_whatever_follows_a_response_is_none_of_it_and_costs_the_connection(
    made: Made, rest: bytes, cuts: list[int]
) -> None:
    asked = Asked(head_only=made.head_only)
    for pieces in ([made.stream + rest], [made.stream, rest], cut(made.stream + rest, cuts)):
        reading = read(pieces, asked)
        assert but_words(reading) == msgspec.structs.replace(as_made(made), keep=False)


@given(mutated(), ASKED, CUTS)
def test_how_a_stream_is_cut_decides_nothing(stream: tuple[bytes, bool], asked: Asked, cuts: list[int]) -> None:
    check_cuts(stream[0], asked, cuts)


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12), ASKED, CUTS)
def test_how_it_is_cut_decides_nothing_for_any_tokens_in_any_order(
    tokens: list[bytes], asked: Asked, cuts: list[int]
) -> None:
    check_cuts(b"HTTP/1.1 200 OK\r\n" + b"".join(tokens), asked, cuts)


@given(st.binary(max_size=1000))
def test_how_it_is_cut_decides_nothing_for_any_bytes(data: bytes) -> None:
    asked = Asked(head_only=bool(data[:1] < b"\x40"), drain=data[1:2] < b"\x40", ends=data[2:3] < b"\x80")
    check_cuts(data[5:], asked, list(data[3:5]))
    check_cuts(b"HTTP/1.1 " + data[5:], asked, list(data[3:5]))


def check_cuts(stream: bytes, asked: Asked, cuts: list[int]) -> None:
    """The whole stream, its pieces and its bytes are read alike."""
    whole = read([stream], asked)
    assert alike(whole, read(cut(stream, cuts), asked))
    assert alike(whole, read(bytewise(stream), asked))


@given(mutated(), st.booleans())
def test_where_two_parsers_read_a_response_they_read_the_same(stream: tuple[bytes, bool], ends: bool) -> None:
    asked = Asked(head_only=stream[1], ends=ends)
    reading, other = read([stream[0]], asked), opinion(stream[0], asked)
    if reading.verdict == "complete" and other is not None:
        assert (reading.status, reading.body) == (other.status, other.body)
        assert not (reading.keep and other.rest.strip(b"\r\n"))


FIELDS = st.lists(st.sampled_from([b"X: y\r\n", b"Content-Type: a/b\r\n", b"Connection: close\r\n"]), max_size=2).map(
    b"".join
)
OK = b"HTTP/1.1 200 OK\r\n"


def check_refused(stream: bytes, cuts: list[int], verdict: str, *, head_only: bool = False) -> None:
    """The stream comes to this however it is cut."""
    asked = Asked(head_only=head_only)
    for pieces in ([stream], cut(stream, cuts), bytewise(stream)):
        reading = read(pieces, asked)
        assert (reading.verdict, reading.keep, reading.body) == (verdict, False, b"")


@pytest.mark.parametrize(
    "length", [b"+5", b"-5", b"0x5", b"5 5", b"5.0", b"five", b"5,", b",5", b"9" * 20, b"\xb25", b""]
)
@A_FEW
@given(FIELDS, FIELDS, st.booleans(), CUTS)
def test_a_length_that_is_none_is_bad_framing(
    length: bytes, before: bytes, after: bytes, head_only: bool, cuts: list[int]
) -> None:
    stream = OK + before + b"Content-Length: " + length + b"\r\n" + after + b"\r\nhello"
    check_refused(stream, cuts, "protocol/bad-framing", head_only=head_only)


@pytest.mark.parametrize(
    "other", [b"Content-Length: 6", b"content-length: 5, 6", b"CONTENT-LENGTH:50", b"Transfer-Encoding: chunked"]
)
@A_FEW
@given(st.lists(FIELDS, min_size=3, max_size=3), st.booleans(), st.booleans(), CUTS)
def test_two_framings_are_none(
    other: bytes, fields: list[bytes], first: bool, head_only: bool, cuts: list[int]
) -> None:
    framings = [b"Content-Length: 5\r\n", other + b"\r\n"]
    framings = framings if first else framings[::-1]
    stream = OK + fields[0] + framings[0] + fields[1] + framings[1] + fields[2] + b"\r\n5\r\nhello\r\n0\r\n\r\n"
    check_refused(stream, cuts, "protocol/bad-framing", head_only=head_only)


@pytest.mark.parametrize(
    "size", [b"z", b"-1", b"+1", b"0x1", b"", b"1 1", b"F" * 17, b";a", b"1\r", b"\xb2", b"1\0", b"1x"]
)
@A_FEW
@given(FIELDS, chunks(b"hello"), CUTS)
def test_a_size_that_is_none_is_bad_framing(size: bytes, fields: bytes, before: bytes, cuts: list[int]) -> None:
    begun = before[: before.rindex(b"\r\n0")] if b"\r\n0" in before else b"5\r\nhello"
    stream = OK + fields + b"Transfer-Encoding: chunked\r\n\r\n" + begun + b"\r\n" + size + b"\r\nx\r\n0\r\n\r\n"
    check_refused(stream, cuts, "protocol/bad-framing")


@pytest.mark.parametrize(
    "field", [b"X : y", b": y", b"X", b"X: a\0b", b"X: a\rb", b"X\x80: y", b"X Y: z", b"\0: y", b"\xff", b"X: \x7f"]
)
@A_FEW
@given(FIELDS, FIELDS, st.booleans(), CUTS)
def test_a_field_that_is_none_is_a_bad_header(
    field: bytes, before: bytes, after: bytes, head_only: bool, cuts: list[int]
) -> None:
    check_refused(OK + before + field + b"\r\n" + after + b"\r\n", cuts, "protocol/bad-header", head_only=head_only)


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"HTTP/2 200 OK",
            b"HTTP/0.9 200 OK",
            b"HTTP/1.2 200 OK",
            b"http/1.1 200 OK",
            b"ICY 200 OK",
            b" HTTP/1.1 200 OK",
        ),
        *(b"HTTP/1.1", b"HTTP/1.1 20", b"HTTP/1.1 2000 OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 1xx"),
        *(b"HTTP/1.1\t200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1 101 Switching"),
        *(b"<html>", b"SSH-2.0-x", b"\x16\x03\x01\x00\x02\x02"),
    ],
)
@A_FEW
@given(FIELDS, st.booleans(), CUTS)
def test_a_status_line_that_is_none_is_a_bad_one(line: bytes, fields: bytes, head_only: bool, cuts: list[int]) -> None:
    check_refused(line + b"\r\n" + fields + b"\r\n", cuts, "protocol/bad-status-line", head_only=head_only)


@given(valid(), st.integers(1, 60), st.booleans(), CUTS)
def test_a_head_has_a_bound_interim_responses_and_all(made: Made, size: int, first: bool, cuts: list[int]) -> None:
    line = b"X: " + b"y" * size + b"\r\n"
    missing = MAX_HEAD + 1 - len(made.heads)
    many = line * -(-missing // len(line))
    before = b"HTTP/1.1 103 E\r\n" + many + b"\r\n" if first else b""
    heads = before + made.heads if first else b"".join(made.interims) + made.head.replace(b"\r\n", b"\r\n" + many, 1)
    check_refused(heads + made.rest, cuts, "protocol/header-too-large", head_only=made.head_only)


@given(st.sampled_from(["length", "chunked", "close"]), st.integers(1, 3000), CUTS)
def test_a_body_over_the_cap_is_too_large_or_if_nobody_needs_it_given_up(
    framing: str, over: int, cuts: list[int]
) -> None:
    size = CAP + over
    field = {"length": b"Content-Length: %d\r\n" % size, "chunked": b"Transfer-Encoding: chunked\r\n", "close": b""}[
        framing
    ]
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size) if framing == "chunked" else b"x" * size
    stream = OK + field + b"\r\n" + body
    check_refused(stream, cuts, "body/too-large")
    for pieces in ([stream], cut(stream, cuts), bytewise(stream)):
        given_up = read(pieces, Asked(drain=True))
        assert (given_up.verdict, given_up.size, given_up.body, given_up.keep) == ("complete", None, b"", False)
