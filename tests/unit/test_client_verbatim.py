"""Requests that go out verbatim: what is given is all there is, and has to be a message."""

import pytest

from milkrun.client import Client, PreparedRequest, UsageError
from milkrun.client.request import Content

HOST = ("Host", "a.test")


def prepared(*pairs: tuple[str, str], method: str = "GET", content: Content = None) -> PreparedRequest:
    return Client().prepare(method, "http://b.test/x", headers=pairs, content=content, verbatim=True)


def test_the_fields_are_those_given_in_their_order() -> None:
    request = prepared(("X-One", "1"), HOST, ("x-one", "2"), ("Connection", "keep-alive"))
    assert request.data == b"GET /x HTTP/1.1\r\nX-One: 1\r\nHost: a.test\r\nx-one: 2\r\nConnection: keep-alive\r\n\r\n"
    assert not request.streamed
    assert not request.special


def test_content_is_framed_by_the_length_given() -> None:
    request = prepared(HOST, ("content-length", "3"), method="POST", content=b"abc")
    assert request.data.endswith(b"content-length: 3\r\n\r\nabc")
    assert not request.chunked


@pytest.mark.parametrize("content", [None, b"", b"abc", [b"abc"]])
def test_content_goes_out_in_chunks_if_the_fields_say_so(content: Content) -> None:
    request = prepared(HOST, ("transfer-encoding", "Chunked"), method="POST", content=content)
    assert request.chunked
    assert request.streamed
    assert request.content == (content or b"")


def test_a_stream_may_be_as_long_as_is_said() -> None:
    request = prepared(HOST, ("Content-Length", "3"), content=[b"abc"])
    assert request.streamed
    assert not request.chunked


def test_an_upgrade_is_more_than_an_exchange_on_a_warm_connection() -> None:
    request = prepared(HOST, ("connection", "upgrade"), ("upgrade", "websocket"))
    assert request.special
    assert request.takes_over(101)
    assert not request.takes_over(200)


@pytest.mark.parametrize(
    ("pairs", "content", "complaint"),
    [
        ((), None, "has 0 'Host' headers"),
        ((HOST, HOST), None, "has 2 'Host' headers"),
        ((HOST, ("Transfer-Encoding", "gzip, chunked")), None, "only be 'chunked'"),
        ((HOST, ("Transfer-Encoding", "chunked"), ("Content-Length", "1")), b"a", "without a 'Content-Length'"),
        ((HOST, ("Content-Length", "1"), ("Content-Length", "1")), b"a", "expected one number"),
        ((HOST, ("Content-Length", "one")), b"a", "expected one number"),
        ((HOST, ("Content-Length", "2")), b"a", "has 1 bytes; its Content-Length says 2"),
        ((HOST, ("Content-Length", "2")), None, "has 0 bytes; its Content-Length says 2"),
        ((HOST,), b"a", "has 1 bytes; its Content-Length says 0"),
        ((HOST,), [b"a"], "a stream without"),
    ],
)
def test_what_frames_no_message_is_refused(
    pairs: tuple[tuple[str, str], ...], content: Content, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        prepared(*pairs, content=content)


def test_it_is_neither_authenticated_nor_sent_on() -> None:
    client = Client()
    with pytest.raises(UsageError, match="no auth"):
        client.prepare("GET", "http://b.test/", verbatim=True, headers=(HOST,), auth=("a", "b"))
    with pytest.raises(UsageError, match="no auth"):
        client.prepare("GET", "http://b.test/", verbatim=True, headers=(HOST,), redirects="all")
