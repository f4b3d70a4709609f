"""Header fields between HTTP/1.1's way of writing and HTTP/2's."""

import pytest
from hpack import NeverIndexedHeaderTuple

from milkrun.client import Client, RequestError
from milkrun.client.http2 import fields
from milkrun.client.http2.fields import judge, read_head, request_fields


def list_of(method: str = "GET", url: str = "https://a.test:8443/x?y=1", **headers: str) -> list[tuple[bytes, bytes]]:
    prepared = Client(user_agent="me").prepare(
        method, url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return [(bytes(name), bytes(value)) for name, value in request_fields(prepared)]


def test_the_request_line_and_host_become_pseudo_fields_at_the_front() -> None:
    assert list_of()[:4] == [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"a.test:8443"),
        (b":path", b"/x?y=1"),
    ]


def test_a_host_of_the_callers_own_is_the_authority() -> None:
    given = list_of(Host="other.test")
    assert (b":authority", b"other.test") in given
    assert b"host" not in dict(given)


def test_names_are_in_lower_case_and_values_without_space_around_them() -> None:
    assert (b"x-one", b"Two Words") in list_of(X_One="  Two Words\t")


@pytest.mark.parametrize("name", ["Keep-Alive", "Proxy-Connection", "Upgrade"])
def test_what_concerns_one_connection_of_http_1_is_not_sent(name: str) -> None:
    assert name.lower().encode() not in dict(list_of(**{name: "x"}))


def test_the_connection_field_of_a_fresh_request_is_not_sent() -> None:
    prepared = Client().prepare("GET", "http://a.test/", fresh=True)
    assert b"connection" not in dict(request_fields(prepared))


@pytest.mark.parametrize(("value", "sent"), [("trailers", True), ("gzip", False)])
def test_te_says_trailers_or_nothing(value: str, sent: bool) -> None:
    assert (b"te" in dict(list_of(TE=value))) is sent


def test_secrets_stay_out_of_compression_tables() -> None:
    prepared = Client().prepare("GET", "http://u:p@a.test/", headers={"Cookie": "a=b", "X-Plain": "c"})
    hidden = {bytes(field[0]) for field in request_fields(prepared) if isinstance(field, NeverIndexedHeaderTuple)}
    assert hidden == {b"authorization", b"cookie"}


def test_a_head_is_written_as_http_1_would() -> None:
    status, head = read_head([(b":status", b"404"), (b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"x", b"")])
    assert status == 404
    assert head == b"HTTP/2 404 \r\nset-cookie: a\r\nset-cookie: b\r\nx: \r\n\r\n"


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(b"x", b"1"), (b":status", b"200")],
        [(b":method", b"GET")],
        [(b":status", b"20")],
        [(b":status", b"2000")],
        [(b":status", b"000")],
        [(b":status", b"20\xb2")],
    ],
)
def test_a_response_begins_with_a_status_of_three_digits(pairs: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RequestError) as caught:
        read_head(pairs)
    assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("protocol", "bad-status-line", "wait")


@pytest.mark.parametrize(
    "field",
    [
        (b"", b"x"),
        (b"X-Upper", b"x"),
        (b"x y", b"x"),
        (b"x: y", b"x"),
        (b"x\r\ny", b"x"),
        (b":status", b"200"),
        (b":path", b"/"),
        (b"connection", b"close"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-connection", b"x"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"h2"),
        (b"x", b"a\r\nset-cookie: b"),
        (b"x", b"a\nb"),
        (b"x", b"a\rb"),
        (b"x", b"a\0b"),
        (b"x", b" a"),
        (b"x", b"a\t"),
    ],
)
def test_a_field_that_may_not_be_is_a_bad_header(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(RequestError) as caught:
        read_head([(b":status", b"200"), (b"fine", b"yes"), field])
    assert (caught.value.layer, caught.value.kind) == ("protocol", "bad-header")


def test_names_that_were_judged_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "_names", set())
    monkeypatch.setattr(fields, "_MOST_NAMES", 2)
    judge([(b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"a", b"4")], "wait")
    assert fields._names == {b"a", b"b"}
