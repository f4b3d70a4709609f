"""What of a request goes along with a redirect (RFC 9110 15.4)."""

import pytest

from milkrun.client import Client, PreparedRequest, RequestError
from milkrun.client.redirect import destination, onward
from milkrun.client.url import parse_url

HEADERS = (("Authorization", "a"), ("Content-Type", "text/plain"), ("Host", "h"), ("X-Kept", "k"))


def request(method: str, content: bytes | None = None) -> PreparedRequest:
    return Client().prepare(method, "http://a.test/x", headers=HEADERS, content=content, redirects="all")


@pytest.mark.parametrize(
    ("status", "method", "became"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "DELETE", "DELETE"),
        (301, "GET", "GET"),
    ],
)
def test_the_method_changes_where_the_rfc_says_so_and_content_with_it(status: int, method: str, became: str) -> None:
    there = onward(request(method, b"content"), status, parse_url("http://a.test/y"), user_agent="me")
    assert there.method == became
    assert there.content == (None if became == "GET" != method else b"content")
    assert (("Content-Type", "text/plain") in there.headers) is (there.content is not None)


@pytest.mark.parametrize("url", ["http://b.test/y", "https://a.test/y", "http://a.test:81/y"])
def test_another_origin_sees_no_credentials(url: str) -> None:
    there = onward(request("GET"), 302, parse_url(url), user_agent="me")
    assert there.headers == (("Content-Type", "text/plain"), ("X-Kept", "k"))


@pytest.mark.parametrize("status", [200, 300, 304, 305, 404])
def test_other_statuses_lead_nowhere(status: int) -> None:
    assert destination(request("GET"), status, "/y") is None


@pytest.mark.parametrize(
    ("location", "target"),
    [("/caf\u00c3\u00a9", "/caf%C3%A9"), ("/caf\u00e9", "/caf%C3%A9"), ("/caf\u20ac", "/caf%E2%82%AC")],
)
def test_an_address_beyond_ascii_is_sent_on_as_it_was_meant(location: str, target: str) -> None:
    url = destination(request("GET"), 302, location)
    assert url is not None
    assert url.target == target


def test_a_location_may_be_repeated_but_not_contradicted() -> None:
    url = destination(request("GET"), 302, "/y", "/y")
    assert url is not None
    assert url.target == "/y"
    with pytest.raises(RequestError, match="they differ"):
        destination(request("GET"), 302, "/y", "/z")


def test_a_complaint_about_an_endless_address_ends() -> None:
    with pytest.raises(RequestError) as caught:
        destination(request("GET"), 302, f"http://a.test:{'9' * 10_000}/")
    assert len(str(caught.value)) < 400


def test_credentials_in_the_location_are_its_own() -> None:
    url = destination(request("GET"), 302, "http://you:word@a.test/y")
    assert url is not None
    assert url.userinfo == ("you", "word")
