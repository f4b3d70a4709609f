"""URLs: what is read from them, what is refused and with which words, and where a Location leads."""

import pytest

from milkrun.client.errors import UsageError
from milkrun.client.url import Origin, join, parse_url


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "target"),
    [
        ("http://example.org", "http", "example.org", 80, "/"),
        ("HTTPS://Example.ORG/", "https", "example.org", 443, "/"),
        ("https://example.org:8443/a/b?c=d", "https", "example.org", 8443, "/a/b?c=d"),
        ("http://example.org:/", "http", "example.org", 80, "/"),
        ("http://example.org?q", "http", "example.org", 80, "/?q"),
        ("http://example.org/a#part", "http", "example.org", 80, "/a"),
        ("http://my_host-1.example.org./", "http", "my_host-1.example.org.", 80, "/"),
        ("http://127.0.0.1/", "http", "127.0.0.1", 80, "/"),
        ("http://[::1]:8080/", "http", "::1", 8080, "/"),
        ("http://[2001:DB8:0::1]/", "http", "2001:db8::1", 80, "/"),
        ("http://bücher.example/", "http", "xn--bcher-kva.example", 80, "/"),
        ("http://b%C3%BCcher.example/", "http", "xn--bcher-kva.example", 80, "/"),
        ("http://example.org/größe?ß", "http", "example.org", 80, "/gr%C3%B6%C3%9Fe?%C3%9F"),
        ("http://example.org/100%?a=%41", "http", "example.org", 80, "/100%25?a=%41"),
        ('http://example.org/"<>?a[]=1|2', "http", "example.org", 80, "/%22%3C%3E?a[]=1|2"),
    ],
)
def test_a_url_is_taken_apart(text: str, scheme: str, host: str, port: int, target: str) -> None:
    url = parse_url(text)

    assert url.origin == Origin(scheme=scheme, host=host, port=port)
    assert url.target == target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected http://host/path"),
        ("example.org", "expected http://host/path"),
        ("/path", "expected http://host/path"),
        ("ftp://example.org/", "expected http or https"),
        ("http:///path", "names no host"),
        ("http://:80/", "names no host"),
        ("http://example.org/a b", "percent-encoded"),
        ("http://example.org/a\r\nX: y", "percent-encoded"),
        ("http://example.org:0/", "from 1 to 65535"),
        ("http://example.org:65536/", "from 1 to 65535"),
        ("http://example.org:eighty/", "from 1 to 65535"),
        ("http://example.org:8\u0660/", "from 1 to 65535"),
        ("http://a:b:80/", "host:port"),
        ("http://[::1/", "host:port"),
        ("http://[::1]x/", "host:port"),
        ("http://[1.2.3.4]/", "IPv6"),
        ("http://[fe80::g]/", "IPv6"),
        ("http://256.1.1.1/", "four numbers"),
        ("http://127.1/", "four numbers"),
        ("http://-a.example/", "letters, digits"),
        ("http://a..example/", "letters, digits"),
        ("http://exa$mple/", "letters, digits"),
        ("http://" + "a." * 127 + "example/", "letters, digits"),
        ("http://" + "a" * 64 + "/", "letters, digits"),
        ("http://ab--ü\u200d.example/", "international domain name"),
    ],
)
def test_what_is_no_http_url_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected.replace("[", r"\[")):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "userinfo"),
    [
        ("http://example.org/", None),
        ("http://me@example.org/", ("me", "")),
        ("http://me:p%40ss:w@example.org/", ("me", "p@ss:w")),
        ("http://me:p@ss@example.org/", ("me", "p@ss")),
    ],
)
def test_credentials_are_decoded_and_kept_out_of_the_text(text: str, userinfo: tuple[str, str] | None) -> None:
    url = parse_url(text)

    assert url.userinfo == userinfo
    assert url.text == "http://example.org/"


@pytest.mark.parametrize("rest", ["example.org:99999/", "exa$mple/", "[::1/", "example.org/a b"])
def test_no_message_repeats_a_password(rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(f"http://me:hunter2@{rest}")

    assert "hunter2" not in str(caught.value)
    assert rest in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin(scheme="http", host="example.org", port=80), "example.org"),
        (Origin(scheme="https", host="example.org", port=443), "example.org"),
        (Origin(scheme="https", host="example.org", port=80), "example.org:80"),
        (Origin(scheme="http", host="::1", port=80), "[::1]"),
        (Origin(scheme="https", host="::1", port=8443), "[::1]:8443"),
    ],
)
def test_the_host_header_leaves_a_default_port_out(origin: Origin, authority: str) -> None:
    assert origin.authority == authority


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("", "http://example.org/a/b?c"),
        ("d", "http://example.org/a/d"),
        ("/d", "http://example.org/d"),
        ("?e=f", "http://example.org/a/b?e=f"),
        ("../g", "http://example.org/g"),
        ("./../../g", "http://example.org/g"),
        ("//other.example/h", "http://other.example/h"),
        ("https://other.example:8443/i#j", "https://other.example:8443/i"),
        (" /with space ", "http://example.org/with%20space"),
        ("/größe", "http://example.org/gr%C3%B6%C3%9Fe"),
    ],
)
def test_a_location_leads_from_where_it_was_sent(location: str, text: str) -> None:
    assert join(parse_url("http://example.org/a/b?c"), location).text == text


def test_credentials_do_not_follow_a_location() -> None:
    assert join(parse_url("http://me:secret@example.org/"), "/next").userinfo is None


@pytest.mark.parametrize("location", ["ftp://example.org/", "http://[nonsense/", "mailto:me@example.org"])
def test_a_location_that_leads_nowhere_is_refused(location: str) -> None:
    with pytest.raises(UsageError):
        join(parse_url("http://example.org/"), location)


@pytest.mark.parametrize(
    "url",
    ["http://u:se/cret@host/x", "https://u:se?cret@host/", "http://u:se#cret@host/", "u:secret@host/", "//u:secret@h"],
)
def test_a_password_that_was_not_encoded_is_not_shown_in_parts(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(url)
    assert "cret" not in str(caught.value)
