"""Asking an HTTP proxy for a tunnel: what is said to it, and who is blamed by its answer."""

import base64

import pytest

from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.proxy import Proxy
from milkrun.client.proxy.connect import ask
from milkrun.client.proxy.dialogue import NonsenseError
from tests.support.proxy_talk import asked

PLAIN = Proxy.parse("http://p.test:3128")
KNOWN = Proxy.parse("http://jack:s3cret@p.test:3128")
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize(
    ("host", "port", "target"),
    [("t.test", 443, b"t.test:443"), ("10.0.0.1", 80, b"10.0.0.1:80"), ("2001:db8::1", 8443, b"[2001:db8::1]:8443")],
)
async def test_the_target_is_named_with_its_port(host: str, port: int, target: bytes) -> None:
    wire = await asked(ask, PLAIN, [ESTABLISHED], host=host, port=port)

    assert wire.written == b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, target)


async def test_credentials_and_headers_go_along() -> None:
    proxy = Proxy.parse("http://jack:s3cret@p.test:3128", headers=[("X-Team", "blue")])
    wire = await asked(ask, proxy, [ESTABLISHED])

    assert b"\r\nX-Team: blue\r\n" in wire.written
    assert b"\r\nProxy-Authorization: Basic " + base64.b64encode(b"jack:s3cret") + b"\r\n" in wire.written


@pytest.mark.parametrize(
    "answers",
    [
        [ESTABLISHED],
        [b"HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n"],
        [b"HTTP/1.1 200\r\n\r\n"],
        [b"HTTP/1.1 200 \r\n\r\n"],
        [b"HTTP/1.1 299 Odd\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", ESTABLISHED],
        [b"HTTP/1.1 102 Processing\r\n\r\n" + ESTABLISHED],
        [ESTABLISHED[:3], ESTABLISHED[3:20], ESTABLISHED[20:]],
    ],
)
async def test_any_2xx_is_a_tunnel(answers: list[bytes]) -> None:
    await asked(ask, PLAIN, answers)


@pytest.mark.parametrize(
    ("head", "layer", "kind"),
    [
        (b"502 Bad Gateway", "connect", "unreachable"),
        (b"503 Service Unavailable", "connect", "unreachable"),
        (b"504 Gateway Timeout", "connect", "timeout"),
        (b"500 Internal Server Error", "self", "proxy"),
        (b"501 Not Implemented", "self", "proxy"),
        (b"400 Bad Request", "self", "proxy"),
        (b"403 Forbidden", "self", "proxy"),
        (b"405 Method Not Allowed", "self", "proxy"),
        (b"407 Proxy Authentication Required", "self", "proxy"),
        (b"429 Too Many Requests", "self", "proxy"),
        (b"302 Found", "self", "proxy"),
        # what Proxy-Status says is more precise than any status (RFC 9209)
        (b"502 Bad Gateway\r\nProxy-Status: p; error=connection_refused", "connect", "refused"),
        (b"502 Bad Gateway\r\nproxy-status: far, near.test;detail=x; error=connection_timeout", "connect", "timeout"),
        (b"504 Gateway Timeout\r\nProxy-Status: p; error=dns_timeout", "dns", "timeout"),
        (b"502 Bad Gateway\r\nProxy-Status: p; error=dns_error; rcode=NXDOMAIN", "dns", "server-failure"),
        (b"503 Unavailable\r\nProxy-Status: p; error=destination_unavailable", "connect", "unreachable"),
        (b"502 Bad Gateway\r\nProxy-Status: p; error=destination_ip_unroutable", "connect", "unreachable"),
        (b"502 Bad Gateway\r\nProxy-Status: p; error=connection_terminated", "connect", "reset"),
        (b"503 Unavailable\r\nProxy-Status: p; error=connection_limit_reached", "self", "proxy"),
        (b"503 Unavailable\r\nProxy-Status: p; error=proxy_internal_error", "self", "proxy"),
        (b"502 Bad Gateway\r\nProxy-Status: p; error=destination_ip_prohibited", "self", "proxy"),
        (b"503 Unavailable\r\nProxy-Status: p", "connect", "unreachable"),
    ],
)
async def test_a_refusal_is_blamed_on_whom_it_tells_of(head: bytes, layer: str, kind: str) -> None:
    with pytest.raises(RequestError) as caught:
        await asked(ask, KNOWN, [b"HTTP/1.1 " + head + b"\r\nContent-Length: 5\r\n\r\nsorry"])

    error = caught.value
    assert (error.layer, error.kind, error.phase) == (layer, kind, "connect")
    assert isinstance(error, OwnError) == (layer == "self")
    assert isinstance(error, RequestTimeoutError) == (kind == "timeout")
    assert "http://p.test:3128" in error.message
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("proxy", "head", "said"),
    [
        (PLAIN, b"407 Proxy Authentication Required", "demands a user name and password"),
        (KNOWN, b"407 Proxy Authentication Required", "refused the user name and password"),
        (
            Proxy.parse("http://p.test", headers=[("proxy-authorization", "Bearer x")]),
            b"407 Proxy Authentication Required",
            "refused the user name and password",
        ),
        (PLAIN, b"403 Forbidden", "forbids connections to the target"),
        (PLAIN, b"500 Oops", "status 500"),
        (PLAIN, b"502 Bad Gateway", "could not reach the target: status 502"),
        (PLAIN, b"502 Bad Gateway\r\nProxy-Status: p; error=connection_refused", "the target: connection refused"),
    ],
)
async def test_the_message_says_what_the_proxy_did(proxy: Proxy, head: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        await asked(ask, proxy, [b"HTTP/1.1 " + head + b"\r\n\r\n"])


@pytest.mark.parametrize(
    "answers",
    [
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [b"\x05\xff"],
        [b"\x15\x03\x01\x00\x02\x02\x46"],
        [b"HTTP/1.1 two hundred\r\n\r\n"],
        [b"HTTP/1.1 000 Nothing\r\n\r\n"],
        [b"HTTP/1.12 200 OK\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 3000,
    ],
    ids=["banner", "socks", "tls", "words", "zero", "version", "switching", "endless", "endless-hints"],
)
async def test_what_is_no_answer_is_nonsense(answers: list[bytes]) -> None:
    with pytest.raises(NonsenseError):
        await asked(ask, PLAIN, answers)


async def test_a_proxy_that_hangs_up_is_told_by_the_connection() -> None:
    with pytest.raises(ConnectionResetError):
        await asked(ask, PLAIN, [ESTABLISHED[:10]], lost=True)
