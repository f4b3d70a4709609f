"""Asking a SOCKS5 proxy for a connection: what is said to it, and who is blamed by its reply."""

import pytest

from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.proxy import Proxy
from milkrun.client.proxy.dialogue import NonsenseError
from milkrun.client.proxy.socks5 import ask
from tests.support.proxies import socks_reply
from tests.support.proxy_talk import asked

PLAIN = Proxy.parse("socks5h://p.test")
KNOWN = Proxy.parse("socks5h://jack:s3cret@p.test")
ANYBODY, PASSWORD, LET_IN = b"\x05\x00", b"\x05\x02", b"\x01\x00"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("t.test", b"\x03\x06t.test"),
        ("my_host.t.test.", b"\x03\x0fmy_host.t.test."),
        ("10.0.0.1", b"\x01\x0a\x00\x00\x01"),
        ("2001:db8::1", b"\x04" + bytes.fromhex("20010db8000000000000000000000001")),
    ],
)
async def test_the_target_is_named_as_what_it_is(host: str, address: bytes) -> None:
    wire = await asked(ask, PLAIN, [ANYBODY, socks_reply(0)], host=host, port=443)

    assert wire.written == b"\x05\x01\x00" + b"\x05\x01\x00" + address + b"\x01\xbb"


async def test_credentials_are_said_when_they_are_asked_for() -> None:
    wire = await asked(ask, KNOWN, [PASSWORD, LET_IN, socks_reply(0)])

    assert b"\x05\x02\x00\x02" + b"\x01\x04jack\x06s3cret" in wire.written


async def test_credentials_are_not_said_to_who_does_not_ask() -> None:
    wire = await asked(ask, KNOWN, [ANYBODY, socks_reply(0)])

    assert b"s3cret" not in wire.written


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_replies_are_read_in_any_pieces(size: int) -> None:
    talk = PASSWORD + LET_IN + socks_reply(0)
    await asked(ask, KNOWN, [talk[start : start + size] for start in range(0, len(talk), size)])


@pytest.mark.parametrize("bound", [b"\x01" + bytes(4), b"\x04" + bytes(16), b"\x03\x06p.test"])
async def test_a_reply_may_name_any_kind_of_address(bound: bytes) -> None:
    await asked(ask, PLAIN, [ANYBODY, b"\x05\x00\x00" + bound + b"\x00\x50"])


@pytest.mark.parametrize(
    ("code", "layer", "kind", "said"),
    [
        (0x01, "self", "proxy", "general SOCKS server failure"),
        (0x02, "self", "proxy", "forbids connections to the target"),
        (0x03, "connect", "unreachable", "could not reach the target: network unreachable"),
        (0x04, "connect", "unreachable", "could not reach the target: host unreachable"),
        (0x05, "connect", "refused", "could not reach the target: connection refused"),
        (0x06, "connect", "timeout", "could not reach the target: ttl expired"),
        (0x07, "self", "proxy", "command not supported"),
        (0x08, "self", "proxy", "address type not supported"),
        (0x63, "self", "proxy", "invalid reply code"),
    ],
)
async def test_a_reply_is_blamed_on_whom_it_tells_of(code: int, layer: str, kind: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        await asked(ask, KNOWN, [ANYBODY, socks_reply(code)])

    error = caught.value
    assert (error.layer, error.kind, error.phase) == (layer, kind, "connect")
    assert isinstance(error, OwnError) == (layer == "self")
    assert isinstance(error, RequestTimeoutError) == (kind == "timeout")
    assert "socks5h://p.test:1080" in error.message
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("proxy", "answers", "said"),
    [
        (PLAIN, [b"\x05\xff"], "no acceptable authentication methods"),
        (KNOWN, [b"\x05\xff"], "no acceptable authentication methods"),
        (KNOWN, [PASSWORD, b"\x01\x01"], "authentication failure"),
        (PLAIN, [PASSWORD], "unexpected SOCKS authentication method"),
        (PLAIN, [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "unexpected SOCKS version"),
        (PLAIN, [b"SSH-2.0-OpenSSH_9.6\r\n"], "unexpected SOCKS version"),
        (PLAIN, [ANYBODY, b"\x04\x00\x00\x01"], "unexpected SOCKS version"),
        (PLAIN, [ANYBODY, b"\x05\x00\x07\x01"], "reserved byte"),
        (PLAIN, [ANYBODY, b"\x05\x00\x00\x09"], "invalid address type"),
    ],
)
async def test_what_happens_before_the_target_is_the_proxys_own(proxy: Proxy, answers: list[bytes], said: str) -> None:
    with pytest.raises(OwnError, match=said) as caught:
        await asked(ask, proxy, answers)

    assert caught.value.kind == "proxy"
    assert "s3cret" not in str(caught.value)


async def test_a_name_in_a_reply_that_is_no_text_is_nonsense() -> None:
    with pytest.raises(NonsenseError):
        await asked(ask, PLAIN, [ANYBODY, b"\x05\x00\x00\x03\x02\xff\xfe\x00\x50"])


async def test_a_proxy_that_hangs_up_is_told_by_the_connection() -> None:
    with pytest.raises(ConnectionResetError):
        await asked(ask, PLAIN, [ANYBODY], lost=True)
