"""Requests as bytes, and what is refused before a byte is sent."""

import pytest

from milkrun.client import Client, UsageError


def data(method: str = "GET", url: str = "http://a.test/x?y=1#z", **options: object) -> bytes:
    return Client(user_agent="tests").prepare(method, url, **options).data  # type: ignore[arg-type]  # checked by name below


def test_a_request_is_its_line_its_fields_and_its_content() -> None:
    assert data("post", content="häh", headers={"X-A": "1"}) == (
        b"POST /x?y=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: tests\r\nAccept: */*\r\n"
        b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
        b"Content-Length: 4\r\nX-A: 1\r\n\r\nh\xc3\xa4h"
    )


def test_what_the_caller_says_replaces_what_the_client_would() -> None:
    text = data(headers=[("host", "b.test"), ("user-agent", "me"), ("Accept", "text/*"), ("X", "1"), ("X", "2")])
    assert text.count(b"ost: ") == 1
    assert b"host: b.test\r\nuser-agent: me\r\nAccept: text/*\r\nX: 1\r\nX: 2\r\n" in text


@pytest.mark.parametrize(("method", "says"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False)])
def test_a_method_that_expects_content_says_when_there_is_none(method: str, says: bool) -> None:
    assert (b"Content-Length: 0\r\n" in data(method)) is says


def test_a_value_beyond_latin_1_goes_out_as_utf_8() -> None:
    assert "X: \N{SNOWMAN}\r\n".encode() in data(headers={"X": "\N{SNOWMAN}"})


def test_credentials_in_the_url_become_basic_authentication_and_are_not_shown() -> None:
    prepared = Client().prepare("GET", "http://me:p%40ss@a.test/")
    assert b"Authorization: Basic bWU6cEBzcw==\r\n" in prepared.data
    assert repr(prepared) == "<PreparedRequest GET http://a.test/>"


def test_a_header_of_the_callers_stands_before_credentials_in_the_url() -> None:
    assert b"Authorization: mine\r\n" in data(url="http://me:pass@a.test/", headers={"Authorization": "mine"})


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X": "a\r\nY: b"}, "line break"),
        ({"X": "a\nb"}, "line break"),
        ({"X": "a\0b"}, "line break"),
        ({"X Y": "a"}, "header name"),
        ({"X:": "a"}, "header name"),
        ({"": "a"}, "header name"),
        ({"Content-Length": "5"}, "leave it out"),
        ({"transfer-encoding": "chunked"}, "leave it out"),
    ],
)
def test_headers_that_would_break_the_request_are_refused(headers: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        data(headers=headers)


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "G/T"])
def test_a_method_is_a_word(method: str) -> None:
    with pytest.raises(UsageError, match="HTTP method"):
        data(method)


def test_connections_are_shared_by_origin_and_where_there_is_one_by_how_the_certificate_is_judged() -> None:
    client = Client()
    keys = {
        client.prepare("GET", url, insecure=insecure).key
        for url in ("https://a.test/x", "https://A.test:443/y", "https://a.test:444/", "http://a.test/")
        for insecure in (None, False, True)
    }
    assert len(keys) == 5


@pytest.mark.parametrize("value", ["x", "-1", "", "5, 5", "1" * 20])
def test_the_length_of_a_stream_is_one_number(value: str) -> None:
    with pytest.raises(UsageError, match="expected one number of bytes"):
        data("POST", headers=[("Content-Length", value)], content=iter((b"x",)))


def test_the_length_of_a_stream_is_said_once() -> None:
    lengths = [("Content-Length", "5"), ("content-length", "6")]
    with pytest.raises(UsageError, match="'5, 6'; expected one number"):
        data("POST", headers=lengths, content=iter((b"x",)))


@pytest.mark.parametrize("target", ["/a b", "", "/\u00e4", "/a\r\nX: y"])
def test_a_target_is_visible_characters_without_a_space(target: str) -> None:
    with pytest.raises(UsageError, match="is no request target"):
        data(target=target)


def test_credentials_are_given_in_one_place() -> None:
    with pytest.raises(UsageError, match="an Authorization header and auth, too"):
        data(headers={"authorization": "Basic x"}, auth=("me", "secret"))
