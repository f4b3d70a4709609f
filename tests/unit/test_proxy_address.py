"""What names a proxy, what is refused and with which words, and that no credentials are ever shown."""

import pytest

from milkrun.client.dial.tls import TlsOptions
from milkrun.client.errors import UsageError
from milkrun.client.proxy import Proxy
from milkrun.client.url import Origin


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://p.test:3128", "http://p.test:3128"),
        ("http://p.test:3128/", "http://p.test:3128"),
        ("HTTP://P.test", "http://p.test:80"),
        ("https://p.test", "https://p.test:443"),
        ("socks5://p.test", "socks5://p.test:1080"),
        ("socks5h://p.test", "socks5h://p.test:1080"),
        ("socks5h://[::1]:9050", "socks5h://[::1]:9050"),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
    ],
)
def test_a_proxy_is_named_by_a_url(text: str, url: str) -> None:
    assert Proxy.parse(text).url == url


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("http://p.test", None),
        ("http://jack:pw@p.test", ("jack", "pw")),
        ("http://jack:p%40%3Aw@p.test", ("jack", "p@:w")),
        ("http://jack:p@w@p.test", ("jack", "p@w")),
        ("http://jack@p.test", ("jack", "")),
        ("socks5://jack:pw@p.test", ("jack", "pw")),
    ],
)
def test_credentials_are_decoded(text: str, credentials: tuple[str, str] | None) -> None:
    assert Proxy.parse(text).credentials == credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected http, https, socks5 or socks5h"),
        ("p.test:3128", "expected http, https, socks5 or socks5h"),
        ("ftp://u:s3cret@p.test", "expected http, https, socks5 or socks5h"),
        ("socks4://u:s3cret@p.test", "expected http, https, socks5 or socks5h"),
        ("http://", "expected http, https, socks5 or socks5h"),
        ("http://u:s3cret@p.test/path", "expected http, https, socks5 or socks5h"),
        ("http://u:s3cret/@p.test", "percent-encoded"),
        ("http://u:s3cret#@p.test", "percent-encoded"),
        ("http://u:s3cret ?@p.test", "percent-encoded"),
        ("http://u:s3cret@", "names no host"),
        ("http://u:s3cret@p.test:0", "from 1 to 65535"),
        ("socks5://u:s3cret@p.test:x", "from 1 to 65535"),
        ("http://u:s3cret@1.2.3", "four numbers"),
        ("http://u:s3cret@::1", "host:port"),
        ("http://u%3As3cret:pw@p.test", "colon"),
        ("http://u:s3cret%0a@p.test", "control"),
        ("socks5://u@p.test", "1 to 255 ASCII"),
        ("socks5://:s3cret@p.test", "1 to 255 ASCII"),
        ("socks5://u:s3cr%C3%A9t@p.test", "1 to 255 ASCII"),
        ("socks5://u:s3cret" + "x" * 255 + "@p.test", "1 to 255 ASCII"),
    ],
)
def test_what_is_no_proxy_is_refused_with_what_was_expected_and_without_its_secrets(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as caught:
        Proxy.parse(text)

    assert "s3c" not in str(caught.value)
    assert "s3c" not in str(caught.value.__cause__)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "X Y", "", "X:"])
def test_a_header_that_connect_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be sent to a proxy"):
        Proxy.parse("http://p.test", headers=[(name, "x")])


def test_a_header_of_two_lines_is_refused() -> None:
    with pytest.raises(UsageError, match="one line"):
        Proxy.parse("http://p.test", headers=[("X-Note", "a\r\nX: b")])


def test_socks_proxies_are_sent_no_headers() -> None:
    with pytest.raises(UsageError, match="http or https only"):
        Proxy.parse("socks5://p.test", headers=[("X-Note", "a")])


def test_a_proxy_that_is_built_by_hand_is_judged_as_well() -> None:
    with pytest.raises(UsageError, match="no kind of proxy"):
        Proxy(origin=Origin(scheme="ftp", host="p.test", port=21))


def test_nothing_that_shows_a_proxy_shows_its_secrets() -> None:
    proxy = Proxy.parse("https://jack:s3cret@p.test", headers=[("X-Token", "t0ken")])

    for shown in (repr(proxy), str(proxy), f"{proxy}", proxy.url, proxy.key, repr(proxy.__rich_repr__())):
        assert "s3cret" not in shown
        assert "t0ken" not in shown
        assert "p.test" in shown


@pytest.mark.parametrize(
    "other",
    [
        Proxy.parse("http://jack:other@p.test"),
        Proxy.parse("http://p.test"),
        Proxy.parse("http://jack:pw@p.test:81"),
        Proxy.parse("https://jack:pw@p.test:80"),
        Proxy.parse("http://jack:pw@p.test", headers=[("X", "y")]),
        Proxy.parse("http://jack:pw@p.test", tls=TlsOptions(insecure=True)),
    ],
)
def test_proxies_that_differ_in_anything_have_keys_that_differ(other: Proxy) -> None:
    proxy = Proxy.parse("http://jack:pw@p.test")

    assert proxy.key != other.key
    assert proxy.key == Proxy.parse("http://jack:pw@P.test:80/").key
    assert proxy == Proxy.parse("http://jack:pw@P.test:80/")
