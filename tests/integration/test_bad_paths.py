"""What goes wrong on the way: names, routes, handshakes, certificates and redirects, from configuration to Result."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from milkrun.client import Client
from milkrun.client.resolve.ares import AresLookup
from milkrun.client.resolve.resolver import CachingResolver
from milkrun.core.outcome import Outcome
from tests.support.authority import Authority
from tests.support.checking import SOON, Checks, authority, checks, endpoint, failure
from tests.support.dns import NOERROR, SERVFAIL, Record, nameserver
from tests.support.faults import serving
from tests.support.peers import Says, black_hole, closed_port, mute
from tests.support.peers import server as raw_server
from tests.support.scripted import OK, Peer, answers, scripted

__all__ = ["authority", "checks"]

BODY = "[BODY] == hi"


def redirect(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location


@pytest.mark.parametrize(
    ("location", "layer", "kind", "why"),
    [
        (b"/", "redirect", "loop", "lead back to"),
        (b"", "redirect", "loop", "lead back to"),
        (b"ftp://files.test/", "protocol", "bad-header", "expected http or https"),
        (b"http://[::1/", "protocol", "bad-header", "leads nowhere"),
        (b"http://127.0.0.1:99999/", "protocol", "bad-header", "99999"),
        (b"http://user:hush@127.0.0.1:0/", "protocol", "bad-header", "leads nowhere"),
        (b"http://a.test:" + b"9" * 20_000, "protocol", "bad-header", "leads nowhere"),
        (b"/a\r\nLocation: /b", "protocol", "bad-header", "they differ"),
    ],
)
async def test_a_redirect_that_leads_nowhere_says_so_and_who_sent_it(
    location: bytes, layer: str, kind: str, why: str, checks: Checks
) -> None:
    async with scripted(answers(redirect(location))) as server:
        results = await checks.of(server.url, rounds=2)
    for result in results:
        assert failure(result) == (layer, kind)
        assert result.failure is not None
        assert why in result.failure.message
        assert "hush" not in result.failure.message
        assert len(result.failure.message) < 400
        assert (result.outcome, result.peer) == (Outcome.DOWN, f"127.0.0.1:{server.port}")


async def test_redirects_between_two_servers_are_a_loop_too_and_show_no_credentials(checks: Checks) -> None:
    targets: list[str] = []

    async def back(peer: Peer) -> None:
        while await peer.request():
            await peer.say(redirect(targets[0].encode()))

    async with scripted(back) as there, scripted(answers(redirect(there.url.encode()))) as here:
        targets.append(here.url)
        (result,) = await checks.of(here.url.replace("://", "://me:hush@"))
        heard = [text for peer in there.peers for text in peer.heard]
        assert b"Authorization: Basic" in here.peers[0].heard[0]
    assert failure(result) == ("redirect", "loop")
    assert len(heard) == 1
    assert b"uthorization" not in heard[0]
    assert result.failure is not None
    assert "hush" not in result.failure.message


@pytest.mark.parametrize("location", [b"/t/hush%2Fhush?k=hush/hush", b"ftp://files.test/t/hush%2Fhush?k=hush/hush"])
async def test_a_redirect_that_repeats_a_variable_of_the_url_shows_it_to_nobody(
    location: bytes, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hush/hush")
    monkeypatch.setenv("HOST", "127.0.0.1")
    async with scripted(answers(redirect(location))) as server:
        (result,) = await checks.of(server.url.replace("127.0.0.1", "${HOST}") + "t/${TOKEN}", rounds=1)
    assert result.failure is not None
    assert "t/(hidden)?k=(hidden)" in result.failure.message
    assert "hush" not in result.failure.message


@pytest.mark.parametrize(("hops", "expected"), [(10, None), (11, ("redirect", "limit"))])
async def test_ten_redirects_are_followed_and_eleven_are_not(
    hops: int, expected: tuple[str, str] | None, checks: Checks
) -> None:
    texts = [redirect(b"/%d" % hop) for hop in range(hops)]
    async with scripted(answers(*texts, OK)) as server:
        (result,) = await checks.of(server.url, "[STATUS] == 200")
    assert failure(result) == expected
    assert result.outcome is (Outcome.UP if expected is None else Outcome.DOWN)


def bad_certificate(kind: str, authority: Authority, folder: Path) -> ssl.SSLContext:
    if kind == "expired":
        return authority.expired()
    return authority.good("elsewhere.test") if kind == "hostname" else authority.self_signed(folder)


CERTIFICATES = {"expired": "expired", "hostname": "mismatch", "untrusted": "self-signed"}


@pytest.mark.parametrize("insecure", [False, True], ids=["judged", "insecure"])
@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_a_bad_certificate_is_shown_whether_it_is_judged_or_not(
    kind: str, checks: Checks, authority: Authority, tmp_path: Path, *, insecure: bool
) -> None:
    context = bad_certificate(kind, authority, tmp_path)
    async with serving(answers(OK), context) as server:
        (result,) = await checks.of(server.url, BODY, insecure=insecure)
    assert result.tls is not None
    assert result.tls.not_after is not None
    assert (result.tls.not_after < result.started) is (kind == "expired")
    assert result.tls.subject is not None
    assert (result.tls.names == ("elsewhere.test",)) is (kind == "hostname")
    assert result.peer == f"127.0.0.1:{server.port}"
    if insecure:
        assert (result.outcome, result.failure) == (Outcome.UP, None)
    else:
        assert failure(result) == ("tls", kind)
        assert result.outcome is Outcome.DOWN
        assert result.failure is not None
        assert CERTIFICATES[kind] in result.failure.message


@pytest.mark.parametrize("first", [False, True], ids=["answers", "greets"])
async def test_plain_text_on_a_tls_port_is_not_tls(checks: Checks, *, first: bool) -> None:
    text = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(lambda: Says(text, first=first, hang_up=True)) as port:
        (result,) = await checks.of(f"https://127.0.0.1:{port}/")
    assert failure(result) == ("tls", "not-tls")
    assert result.peer == f"127.0.0.1:{port}"


async def test_silence_in_the_handshake_is_a_timeout_of_tls(checks: Checks) -> None:
    with mute() as port:
        (result,) = await checks.of(f"https://127.0.0.1:{port}/", timeout=SOON)
    assert failure(result) == ("tls", "timeout")
    assert result.timings.connect > 0
    assert result.timings.tls > 0


async def test_a_close_in_the_handshake_is_a_close_of_tls(checks: Checks) -> None:
    async with raw_server(lambda: Says(hang_up=True)) as port:
        (result,) = await checks.of(f"https://127.0.0.1:{port}/")
    assert failure(result) == ("tls", "closed")


async def test_a_connection_that_cannot_be_made_says_why(checks: Checks) -> None:
    with black_hole() as port:
        told = await checks.all(
            endpoint("refused", f"http://127.0.0.1:{closed_port()}/"),
            endpoint("timeout", f"http://127.0.0.1:{port}/", timeout=SOON),
            endpoint("unreachable", "http://127.255.255.255/"),  # loopback's broadcast: no TCP leads there
        )
    for kind, (result,) in told.items():
        assert failure(result) == ("connect", kind)
        assert (result.outcome, result.connection, result.peer) == (Outcome.DOWN, None, None)
        assert result.failure is not None
        assert result.failure.message


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_name_that_leads_nowhere_says_why(checks: Checks, *, fresh: bool) -> None:
    zone = {"empty.test": Record(rcode=NOERROR), "broken.test": Record(rcode=SERVFAIL)}
    kinds = {"gone.test": "not-found", "empty.test": "no-address", "broken.test": "server-failure"}
    async with nameserver(zone) as server, asked(server.address) as client:
        for name, kind in kinds.items():
            result = await checks.by(client, f"http://{name}/", connection={"fresh": fresh})
            assert failure(result) == ("dns", kind)
            assert result.failure is not None
            assert name in result.failure.message
            assert (result.outcome, result.peer) == (Outcome.DOWN, None)


async def test_a_silent_name_server_is_a_timeout_of_dns(checks: Checks) -> None:
    async with nameserver({}, silent=True) as server, asked(server.address) as client:
        result = await checks.by(client, "http://quiet.test/", timeout=SOON)
    assert failure(result) == ("dns", "timeout")
    assert result.timings.dns > 0


@asynccontextmanager
async def asked(nameserver: str) -> AsyncIterator[Client]:
    """A client that asks this name server and no other."""
    resolver = CachingResolver(AresLookup([nameserver], tries=1))
    async with Client(resolver=resolver) as client:
        yield client
    await resolver.close()
