"""One response of HTTP/2 as it comes in: does the body agree with the head, and is it not too much?"""

from typing import Any

import pytest

from milkrun.client import Client, RequestError
from milkrun.client.http2.reply import Reply

FIVE = (b"content-length", b"5")


def reply(method: str = "GET", *, max_head: int = 1000, **options: Any) -> Reply:
    prepared = Client(max_body=10, drain_limit=10).prepare(method, "http://a.test/", **options)
    return Reply(prepared, max_head=max_head)


def opened(*fields: tuple[bytes, bytes], status: int = 200, method: str = "GET", **options: Any) -> Reply:
    made = reply(method, **options)
    made.open([(b":status", b"%d" % status), *fields])
    return made


def kind_of(error: RequestError) -> tuple[str, str, str]:
    return error.layer, error.kind, error.phase


@pytest.mark.parametrize("pieces", [[], [b"hello"], [b"hel", b"", b"lo"]])
def test_a_response_is_its_head_and_its_pieces(pieces: list[bytes]) -> None:
    made = opened()
    assert all(made.add(piece, keep=True) for piece in pieces)
    made.close()
    received = made.take()
    assert (received.status, received.body, received.size) == (200, b"".join(pieces), sum(map(len, pieces)))
    assert (received.keep, received.version, received.warnings) == (True, "2", ())


def test_only_a_coded_body_concerns_the_client() -> None:
    assert opened((b"content-encoding", b"gzip")).take().notable
    assert not opened(FIVE).take().notable


@pytest.mark.parametrize("pieces", [[], [b"hell"], [b"hel", b"l"]])
def test_a_body_shorter_than_it_should_be_is_bad_framing(pieces: list[bytes]) -> None:
    made = opened(FIVE)
    for piece in pieces:
        made.add(piece, keep=True)
    with pytest.raises(RequestError) as caught:
        made.close()
    assert kind_of(caught.value) == ("protocol", "bad-framing", "receive")


def test_a_body_longer_than_it_should_be_is_bad_framing_as_soon_as_it_is() -> None:
    made = opened(FIVE)
    with pytest.raises(RequestError) as caught:
        made.add(b"hello!", keep=True)
    assert kind_of(caught.value) == ("protocol", "bad-framing", "receive")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_what_has_no_body_may_say_how_long_it_would_be(method: str, status: int) -> None:
    made = opened(FIVE, status=status, method=method)
    made.add(b"", keep=True)
    made.close()
    assert made.take().body == b""


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_what_can_have_no_body_has_none(method: str, status: int) -> None:
    made = opened(status=status, method=method)
    with pytest.raises(RequestError) as caught:
        made.add(b"x", keep=True)
    assert kind_of(caught.value) == ("protocol", "bad-framing", "receive")


def test_a_body_over_the_cap_is_too_large() -> None:
    made = opened()
    made.add(b"x" * 10, keep=True)
    with pytest.raises(RequestError) as caught:
        made.add(b"x", keep=True)
    assert kind_of(caught.value) == ("body", "too-large", "receive")


def test_a_drained_body_is_counted_and_not_kept_and_wanted_up_to_the_cap() -> None:
    made = opened(body="drain")
    assert made.add(b"x" * 10, keep=True)
    assert not made.add(b"x", keep=True)
    assert (made.take().body, made.take().size) == (b"", 11)


def test_of_an_errors_drained_body_the_beginning_is_kept() -> None:
    made = opened(body="drain", status=500)
    assert made.add(b"x" * 8, keep=True)
    assert not made.add(b"y" * 8_000, keep=True)
    assert not made.add(b"z", keep=True)
    received = made.take()
    assert (received.body, received.size, received.excerpt) == (b"", 8_009, b"x" * 8 + b"y" * 4_088)


def test_a_piece_that_is_handed_on_is_counted_and_not_kept() -> None:
    made = opened()
    made.add(b"xyz", keep=False)
    assert (made.take().body, made.take().size) == (b"", 3)


def test_interim_heads_come_before_and_count_with_the_final_one() -> None:
    made = reply(max_head=80)
    hint = made.interim([(b":status", b"103"), (b"link", b"</a>")])
    assert hint == b"HTTP/2 103 \r\nlink: </a>\r\n\r\n"
    made.interim([(b":status", b"100")])
    with pytest.raises(RequestError) as caught:
        made.open([(b":status", b"200"), (b"x", b"y" * 20)])
    assert kind_of(caught.value) == ("protocol", "header-too-large", "wait")


def test_interim_heads_without_end_are_too_large() -> None:
    made = reply(max_head=80)
    for _ in range(5):
        made.interim([(b":status", b"103")])
    with pytest.raises(RequestError, match="over 80 bytes"):
        made.interim([(b":status", b"103")])


def test_there_is_no_other_protocol_to_switch_to() -> None:
    with pytest.raises(RequestError) as caught:
        reply().interim([(b":status", b"101")])
    assert kind_of(caught.value) == ("protocol", "bad-status-line", "wait")


def test_trailers_end_a_response_and_are_judged() -> None:
    made = opened(FIVE)
    made.add(b"hello", keep=True)
    assert made.trail([(b"x-sum", b"1")]) == ((b"x-sum", b"1"),)
    with pytest.raises(RequestError) as caught:
        made.trail([(b":status", b"200")])
    assert kind_of(caught.value) == ("protocol", "bad-header", "receive")
    with pytest.raises(RequestError, match="has 0 bytes"):
        opened(FIVE).trail([])


def test_what_was_seen_is_the_status_and_the_bytes_once_there_is_a_head() -> None:
    assert reply().seen() is None
    made = opened()
    made.add(b"abc", keep=True)
    seen = made.seen()
    assert seen is not None
    assert (seen.status, seen.version, seen.bytes) == (200, "2", 3)
