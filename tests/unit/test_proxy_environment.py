"""The environment's proxies: which variable counts, and whom no_proxy excepts; by curl's documented rules."""

import pytest

from milkrun.client.errors import UsageError
from milkrun.client.proxy.environment import from_environment
from milkrun.client.url import parse_url


def chosen(url: str, **environ: str) -> str | None:
    """The URL of the proxy for a URL, by these variables."""
    proxy = from_environment(parse_url(url).origin, environ)
    return None if proxy is None else proxy.url


def excepted(url: str, rules: str) -> bool:
    """Whether these rules except a URL from all_proxy."""
    return chosen(url, all_proxy="http://p:1", no_proxy=rules) is None


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://t.test", {}, None),
        ("http://t.test", {"http_proxy": "http://p:3128"}, "http://p:3128"),
        ("https://t.test", {"http_proxy": "http://p:3128"}, None),
        ("https://t.test", {"https_proxy": "http://p:3128"}, "http://p:3128"),
        ("http://t.test", {"https_proxy": "http://p:3128"}, None),
        ("http://t.test", {"HTTP_PROXY": "http://p:3128"}, "http://p:3128"),
        ("https://t.test", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ("https://t.test", {"ALL_PROXY": "socks5://p"}, "socks5://p:1080"),
        ("http://t.test", {"all_proxy": "socks5h://p"}, "socks5h://p:1080"),
        ("http://t.test", {"http_proxy": "http://low:1", "HTTP_PROXY": "http://high:1"}, "http://low:1"),
        ("http://t.test", {"http_proxy": "http://p:1", "all_proxy": "http://all:1"}, "http://p:1"),
        ("https://t.test", {"http_proxy": "http://p:1", "all_proxy": "http://all:1"}, "http://all:1"),
        ("http://t.test", {"http_proxy": "", "all_proxy": "http://all:1"}, "http://all:1"),
        ("http://t.test", {"http_proxy": "", "HTTP_PROXY": "http://high:1"}, "http://high:1"),
        ("http://t.test", {"http_proxy": " "}, None),
        ("http://t.test", {"http_proxy": "p:3128"}, "http://p:3128"),
        ("http://t.test", {"http_proxy": " http://p:3128 "}, "http://p:3128"),
        ("http://t.test", {"http_proxy": "http://[::1]:3128"}, "http://[::1]:3128"),
        ("http://t.test", {"all_proxy": "http://p:1", "NO_PROXY": "t.test"}, None),
        ("http://t.test", {"all_proxy": "http://p:1", "no_proxy": "other", "NO_PROXY": "t.test"}, "http://p:1"),
    ],
)
def test_a_variable_names_the_proxy_of_its_scheme(url: str, environ: dict[str, str], expected: str | None) -> None:
    assert chosen(url, **environ) == expected


def test_a_cgi_script_takes_no_proxy_from_a_request_header() -> None:
    environ = {"HTTP_PROXY": "http://evil.test:1", "REQUEST_METHOD": "GET"}

    assert chosen("http://t.test", **environ) is None
    assert chosen("http://t.test", **environ, http_proxy="http://p:1") == "http://p:1"
    assert chosen("https://t.test", HTTPS_PROXY="http://p:1", REQUEST_METHOD="GET") == "http://p:1"


@pytest.mark.parametrize(
    ("url", "rules", "expected"),
    [
        # a name covers itself and all below it, at a label's border
        ("http://example.org", "example.org", True),
        ("http://www.example.org", "example.org", True),
        ("http://badexample.org", "example.org", False),
        ("http://example.org.evil.test", "example.org", False),
        ("http://example.org", "www.example.org", False),
        # curl takes a leading dot off
        ("http://www.example.org", ".example.org", True),
        ("http://example.org", ".example.org", True),
        ("http://www.example.org", "*.example.org", True),
        # case and the root's dot make no difference
        ("http://EXAMPLE.org", "Example.ORG", True),
        ("http://example.org.", "example.org", True),
        ("http://example.org", "example.org.", True),
        # several
        ("http://example.org", "a.test, example.org", True),
        ("http://example.org", "a.test example.org", True),
        ("http://example.org", " , ,example.org,", True),
        ("http://example.org", "a.test,b.test", False),
        ("http://example.org", "", False),
        # all
        ("http://example.org", "*", True),
        ("http://10.0.0.1", "*", True),
        ("http://[::1]", "*", True),
        ("http://example.org", "a.test,*", True),
        ("http://example.org", "*:80", True),
        ("http://example.org:81", "*:80", False),
        # ports
        ("http://example.org:8080", "example.org:8080", True),
        ("http://example.org:8081", "example.org:8080", False),
        ("http://example.org", "example.org:80", True),
        ("https://example.org", "example.org:80", False),
        ("https://www.example.org", ".example.org:443", True),
        ("http://example.org", "example.org:http", False),
        # literal addresses
        ("http://10.0.0.1", "10.0.0.1", True),
        ("http://10.0.0.1:8080", "10.0.0.1:8080", True),
        ("http://10.0.0.1", "10.0.0.1:8080", False),
        ("http://10.0.0.11", "10.0.0.1", False),
        ("http://110.0.0.1", "0.0.1", False),
        ("http://10.0.0.1", "0.0.1", False),
        ("http://[::1]", "::1", True),
        ("http://[::1]", "[::1]", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://[::1]", "[::1]:8080", False),
        ("http://[2001:db8::1]", "2001:DB8:0::1", True),
        # networks, of literal addresses alone
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://10.1.2.3", "10.1.0.0/8", True),
        ("http://11.1.2.3", "10.0.0.0/8", False),
        ("http://[fd00::1]", "fd00::/8", True),
        ("http://[fd00::1]", "10.0.0.0/8", False),
        ("http://10.1.2.3", "10.0.0.0/33", False),
        ("http://ten.test", "10.0.0.0/8", False),
        # what is no rule covers nothing
        ("http://example.org", "[example.org", False),
        ("http://[::1]", "[]", False),
        ("http://example.org", ".", False),
    ],
)
def test_no_proxy_excepts_whom_it_names(url: str, rules: str, expected: bool) -> None:
    assert excepted(url, rules) is expected


@pytest.mark.parametrize("value", ["ftp://u:s3cret@p:1", "http://u:s3cret@p:eighty", "u:s3cret@p:1/x/y"])
def test_a_variable_that_names_no_proxy_is_told_by_its_name_without_its_secrets(value: str) -> None:
    with pytest.raises(UsageError, match="https_proxy") as caught:
        chosen("https://t.test", https_proxy=value)

    assert "s3cret" not in str(caught.value)
