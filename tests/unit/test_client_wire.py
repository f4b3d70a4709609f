"""The response parser, fed whole and a byte at a time: the same comes out."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milkrun.client.errors import RequestError
from milkrun.client.http1.wire import Received, ResponseParser

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Trailer: t\r\n\r\n"
LENIENT = b"HTTP/1.1 200\nX: a\n b\nContent-Length: 5\nContent-Length: 5\n\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def parser(*, head_only: bool = False, cap: int = 1000, drain: bool = False, max_head: int = 1000) -> ResponseParser:
    made = ResponseParser(max_head=max_head)
    made.expect(head_only, cap, drain)
    return made


def read(made: ResponseParser, *pieces: bytes) -> Received:
    results = [made.feed(piece) for piece in pieces]
    assert results == [False] * (len(pieces) - 1) + [True]
    return made.take()


@pytest.mark.parametrize("text", [OK, CHUNKED, LENIENT, INTERIM + OK, INTERIM + LENIENT], ids=range(5))
@given(data=st.data())
def test_how_a_response_is_cut_into_pieces_does_not_matter(text: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(parser(), *pieces) == read(parser(), text)


@pytest.mark.parametrize("text", [OK, CHUNKED, LENIENT, INTERIM + OK], ids=range(4))
def test_one_byte_at_a_time_is_a_way_to_cut_it_too(text: bytes) -> None:
    whole = read(parser(), text)
    assert read(parser(), *(bytes([byte]) for byte in text)) == whole
    assert (whole.status, whole.body, whole.size, whole.keep) == (200, b"hello", 5, True)


def test_a_parser_reads_one_response_after_the_other_and_keeps_nothing() -> None:
    made = parser()
    for text, body in ((OK, b"hello"), (CHUNKED, b"hello"), (LENIENT, b"hello"), (OK, b"hello")):
        made.expect(head_only=False, cap=1000, drain=False)
        assert read(made, text).body == body
        assert made.status is None


@pytest.mark.parametrize("pieces", [(OK,), (OK[:-3], OK[-3:])])
def test_a_body_over_the_cap_is_an_error_or_if_nobody_needs_it_the_end(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(RequestError, match="body/too-large"):
        read(parser(cap=4), *pieces)
    received = read(parser(cap=4, drain=True), *pieces)
    assert (received.body, received.size, received.keep) == (b"", 5, False)


def test_a_body_of_exactly_the_cap_is_no_error() -> None:
    assert read(parser(cap=5), OK).body == b"hello"
    assert read(parser(cap=5, drain=True), OK).keep


def test_the_end_completes_only_what_nothing_else_delimits() -> None:
    made = parser()
    assert not made.end()
    assert not made.feed(b"HTTP/1.1 200 OK\r\n\r\nhel")
    assert (made.status, made.warnings) == (200, ())
    assert made.end()
    assert (made.take().body, made.status) == (b"hel", None)
    for text in (OK[:-1], CHUNKED[:-1]):
        made = parser()
        assert not made.feed(text)
        assert not made.end()


@pytest.mark.parametrize("rest", [b"rubbish", OK, b"HTTP/1.1 2"])
@pytest.mark.parametrize("head_only", [False, True])
def test_what_follows_the_response_unasked_costs_it_its_connection(rest: bytes, head_only: bool) -> None:
    text = OK[:-5] if head_only else OK
    received = read(parser(head_only=head_only), text + rest)
    assert (received.status, received.keep) == (200, False)


def test_an_unasked_rest_after_the_last_piece_is_noticed_too() -> None:
    assert not read(parser(), OK[:-2], OK[-2:] + b"rubbish").keep


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_the_head_has_a_bound_also_when_it_comes_whole(size: int) -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "
    text += b"x" * (size - len(text) - 4) + b"\r\n\r\n"
    if size > 1000:
        with pytest.raises(RequestError, match="protocol/header-too-large"):
            read(parser(), text)
    else:
        assert read(parser(), text).status == 200


def test_bytes_of_interim_responses_count_towards_the_bound() -> None:
    with pytest.raises(RequestError, match="protocol/header-too-large"):
        parser().feed(INTERIM * 20)


@pytest.mark.parametrize("name", [b"Content-Encoding", b"KEEP-ALIVE", b"keep-alive", b"transfer-encoding"])
def test_a_field_that_concerns_the_client_is_notable_in_any_case_of_letters(name: bytes) -> None:
    value = b"chunked" if b"transfer" in name else b"timeout=5"
    received = read(parser(), b"HTTP/1.1 204 No\r\n" + name + b": " + value + b"\r\n\r\n")
    assert received.notable


def test_ordinary_responses_are_not_notable() -> None:
    assert not read(parser(), OK).notable
    assert not read(parser(), CHUNKED).notable


def test_a_repaired_response_to_head_has_no_body() -> None:
    received = read(parser(head_only=True), LENIENT[:-5])
    assert (received.body, len(received.warnings), received.keep) == (b"", 3, True)


def test_bare_lf_in_the_head_is_found_also_when_the_body_looks_like_a_heads_end() -> None:
    text = b"HTTP/1.1 200 OK\nContent-Length: 6\n\na\r\n\r\nb"
    received = read(parser(), text)
    assert (received.body, received.head[-4:]) == (b"a\r\n\r\nb", b"\r\n\r\n")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (LENIENT.replace(b"X: a\n b", b"X : a"), "bad-header"),
        (b"HTTP/1.1 200 OK\r\nX: \1\x7f\r\n\r\n", "bad-header"),
        (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz", "bad-framing"),
        (b"HTTP/1.5 200 OK\r\n\r\n", "bad-status-line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "bad-framing"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", "bad-framing"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", "bad-framing"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "bad-status-line"),
        (b"HTTP/1.1 1x0 OK\r\n\r\n", "bad-status-line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n", "bad-framing"),
    ],
)
def test_what_cannot_be_repaired_is_named(text: bytes, kind: str) -> None:
    with pytest.raises(RequestError) as caught:
        parser().feed(text)
    assert (caught.value.layer, caught.value.kind) == ("protocol", kind)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 2xx OK", b"HTTP/1.1", b"HTTP/1.1 2", b"HTTP/1.1 2000 OK", b"HTTP/1.12 200"]
)
@pytest.mark.parametrize("head_only", [False, True])
def test_a_status_is_three_digits_also_in_a_response_to_head(line: bytes, head_only: bool) -> None:
    with pytest.raises(RequestError, match="protocol/bad-status-line"):
        parser(head_only=head_only).feed(line + b"\r\n\r\n")


@pytest.mark.parametrize("head_only", [False, True])
@pytest.mark.parametrize("status", [b"2x0", b"abc", b"1x0"])
def test_a_head_that_was_refused_has_no_status(status: bytes, *, head_only: bool) -> None:
    made = parser(head_only=head_only)
    with pytest.raises(RequestError):
        made.feed(b"HTTP/1.1 %b OK\r\n\r\n" % status)
    assert made.status is None


def test_a_second_response_gives_nothing_to_the_first() -> None:
    received = read(parser(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" * 2)
    assert (received.body, received.keep) == (b"hi", False)


def test_chunked_delimits_only_as_the_last_coding() -> None:
    made = parser()
    assert not made.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nx")
    assert made.end()


@given(st.binary(max_size=200), st.booleans())
@example(b"2xx\r\n\r\n", True)
def test_whatever_comes_is_a_response_or_a_request_error(text: bytes, head_only: bool) -> None:
    made = parser(head_only=head_only)
    with contextlib.suppress(RequestError):
        if made.feed(b"HTTP/1.1 " + text) or made.end():
            assert made.take().status >= 200


@pytest.mark.parametrize("cut", [0, 60, 4_000], ids=["whole", "early", "late"])
def test_of_an_errors_drained_body_the_beginning_is_kept_and_of_any_other_nothing(cut: int) -> None:
    body = bytes(range(256)) * 40
    text = b"HTTP/1.1 503 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    pieces = [text[:cut], text[cut:9_000], text[9_000:]] if cut else [text]
    received = read(parser(cap=20_000, drain=True), *pieces)
    assert (received.body, received.size, received.excerpt) == (b"", len(body), body[:4_096])
    assert read(parser(cap=20_000), *pieces).excerpt == b""
    assert read(parser(drain=True), OK[:-2], OK[-2:]).excerpt == read(parser(drain=True), OK).excerpt == b""
