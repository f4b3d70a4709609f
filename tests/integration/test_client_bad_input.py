"""What servers and networks do wrong, each against a real socket on both loops, and what the client makes of it."""

import asyncio
import gzip

import pytest

from milkrun.client import Client, RequestError
from tests.support.authority import Authority
from tests.support.descriptors import none_left, open_sockets, settled
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, black_hole, closed_port, mute
from tests.support.peers import server as tls_server
from tests.support.scripted import OK, Peer, Script, answers, once, scripted, silence
from tests.support.turns import turns

__all__ = ["anyio_backend"]

SOON = 0.08  # a deadline that is to strike
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = HEAD + b"Content-Length: 10\r\n\r\n"


async def closes(peer: Peer) -> None:
    await peer.request()


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def greets(peer: Peer) -> None:
    await peer.say(b"SSH-2.0-OpenSSH_9.2\r\n")
    await silence(peer)


async def slow_head(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"H")
    await silence(peer)


async def slow_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(TEN)
    await turns()
    await peer.say(b"x")
    await silence(peer)


async def resets_in_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(TEN + b"x")
    await turns(50)
    peer.reset()


async def endless_head(peer: Peer) -> None:
    await peer.request()
    while True:
        await peer.say(b"X-More: of the same\r\n" * 1000 if peer.heard == [] else HEAD)
        peer.heard.clear()


async def long_line(peer: Peer) -> None:
    await peer.request()
    await peer.say(HEAD + b"X-Long: ")
    for _ in range(160):
        await peer.say(b"x" * 65536)


async def large_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(HEAD + b"Content-Length: 100000000\r\n\r\n")
    for _ in range(1600):
        await peer.say(b"x" * 62500)


def gzipped(body: bytes) -> bytes:
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


BAD: list[tuple[str, Script, str, str]] = [
    ("says nothing", silence, "wait", "timeout"),
    ("begins the head and stops", slow_head, "wait", "timeout"),
    ("closes before any byte", closes, "wait", "closed"),
    ("resets before any byte", resets, "wait", "reset"),
    ("closes in the head", once(HEAD), "wait", "closed"),
    ("begins the body and stops", slow_body, "receive", "timeout"),
    ("resets in the body", resets_in_body, "receive", "reset"),
    ("closes in the body", once(TEN + b"x"), "receive", "truncated"),
    ("closes in a chunk", once(CHUNKED + b"5\r\nhel"), "receive", "truncated"),
    ("closes before the last chunk", once(CHUNKED + b"5\r\nhello\r\n"), "receive", "truncated"),
    ("talks another protocol", answers(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol", "bad-status-line"),
    ("greets in another protocol", greets, "protocol", "bad-status-line"),
    ("talks HTTP/0.9", once(b"<html>hello</html>"), "protocol", "bad-status-line"),
    ("says it talks HTTP/0.9", answers(b"HTTP/0.9 200 OK\r\n\r\n"), "protocol", "bad-status-line"),
    ("says it talks HTTP/2 as text", answers(b"HTTP/2.0 200 OK\r\n\r\n"), "protocol", "bad-status-line"),
    ("has a status of two digits", answers(b"HTTP/1.1 20 OK\r\n\r\n"), "protocol", "bad-status-line"),
    ("has a status below 100", answers(b"HTTP/1.1 099 OK\r\n\r\n"), "protocol", "bad-status-line"),
    ("switches protocols unasked", answers(b"HTTP/1.1 101 No\r\n\r\n"), "protocol", "bad-status-line"),
    ("has a field without a colon", answers(HEAD + b"nonsense\r\n\r\n"), "protocol", "bad-header"),
    ("has a NUL in a field", answers(HEAD + b"X: a\0b\r\n\r\n"), "protocol", "bad-header"),
    ("sends headers without end", endless_head, "protocol", "header-too-large"),
    ("sends a header line of 10 MB", long_line, "protocol", "header-too-large"),
    (
        "sends interim responses without end",
        answers(b"HTTP/1.1 103 Hint\r\n\r\n" * 9000),
        "protocol",
        "header-too-large",
    ),
    (
        "has both framings",
        answers(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi"),
        "protocol",
        "bad-framing",
    ),
    (
        "has unequal lengths",
        answers(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"),
        "protocol",
        "bad-framing",
    ),
    ("has a length that is none", answers(HEAD + b"Content-Length: two\r\n\r\nhi"), "protocol", "bad-framing"),
    ("has a bad chunk size", answers(CHUNKED + b"zz\r\nhi\r\n0\r\n\r\n"), "protocol", "bad-framing"),
    (
        "has a bad later chunk size",
        answers(CHUNKED + b"2\r\nhi\r\nzz\r\n"),
        "protocol",
        "bad-framing",
    ),
    ("uses an unknown transfer coding", once(HEAD + b"Transfer-Encoding: gzip\r\n\r\nx"), "protocol", "bad-framing"),
    ("sends 100 MB", large_body, "body", "too-large"),
    ("sends a gzip bomb", answers(gzipped(gzip.compress(b"\0" * 20_000_000))), "body", "too-large"),
    ("truncates its gzip", answers(gzipped(gzip.compress(b"hello")[:-6])), "body", "bad-encoding"),
    ("lies about gzip", answers(gzipped(b"hello")), "body", "bad-encoding"),
]


@pytest.mark.parametrize(("script", "layer", "kind"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_a_bad_server_gives_one_failure_and_leaves_nothing_behind(script: Script, layer: str, kind: str) -> None:
    before = open_sockets()
    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url, timeout=SOON if kind == "timeout" else 10)
        assert (caught.value.layer, caught.value.kind) == (layer, kind)
        assert caught.value.connection is not None
        assert caught.value.connection.peer == f"127.0.0.1:{server.port}"
        assert caught.value.timings.total > 0
        stats = client.stats()
        assert stats["connections"]["in_use"] == 0
    assert client.stats()["opened_total"] == sum(client.stats()["closed_total"].values()) == 1
    assert await settled(before)


async def test_the_status_is_known_once_the_head_was_read() -> None:
    async with scripted(once(TEN)) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url)
        assert caught.value.answer is not None
        assert caught.value.answer.status == 200


async def test_a_failed_dial_says_which_phase_and_holds_no_place() -> None:
    async with Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(f"http://127.0.0.1:{closed_port()}/")
        assert (caught.value.layer, caught.value.kind) == ("connect", "refused")
        with black_hole() as port, pytest.raises(RequestError) as caught:
            await client.get(f"http://127.0.0.1:{port}/", timeout=SOON)
        assert (caught.value.layer, caught.value.kind) == ("connect", "timeout")
        assert client.stats()["origins"] == client.stats()["descriptors"]["used"] == 0
        assert client.stats()["cold_total"] == client.stats()["requests_total"] == 2


async def test_a_name_that_does_not_exist_is_dns_not_found() -> None:
    async with Client(resolver="system") as client:
        with pytest.raises(RequestError) as caught:
            await client.get("http://does-not-exist.invalid/", timeout=5)
    assert caught.value.layer == "dns"


@pytest.mark.parametrize("kind", ["expired", "hostname", "untrusted", "not-tls", "timeout"])
async def test_a_bad_tls_server_is_accounted_for_with_its_certificate(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("authority")
    authority = Authority(folder)
    context = {
        "expired": authority.expired,
        "hostname": lambda: authority.good("elsewhere.test"),
        "untrusted": lambda: authority.self_signed(folder),
    }.get(kind, lambda: None)()
    before = open_sockets()
    async with Client(ca_file=authority.ca_file) as client:
        if kind == "timeout":
            with mute() as port:
                error = await failure(client, port, SOON)
        else:
            async with tls_server(lambda: Says(b"hello\r\n", hang_up=True), context=context) as port:
                error = await failure(client, port, 10)
        assert (error.layer, error.kind) == ("tls", kind)
        if context is not None:
            assert error.connection is not None
            assert error.connection.tls is not None
            assert error.connection.tls.certificate is not None
        assert client.stats()["opened_total"] == client.stats()["closed_total"]["failed"] == 1
    assert await settled(before)


async def failure(client: Client, port: int, timeout: float) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await client.get(f"https://127.0.0.1:{port}/", timeout=timeout)
    return caught.value


async def test_descriptors_used_up_are_our_own_failure() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        with none_left(), pytest.raises(RequestError) as caught:
            await client.get(server.url)
        assert (caught.value.layer, caught.value.kind) == ("self", "descriptors")
        assert (await client.get(server.url)).status == 200


REPAIRED: list[tuple[str, bytes, str]] = [
    ("folds a field", HEAD + b"X-A: one\r\n two\r\nContent-Length: 2\r\n\r\nhi", "folded"),
    ("ends lines with LF", b"HTTP/1.1 200 OK\nContent-Length: 2\nX-A: one two\n\nhi", "LF alone"),
    ("repeats its length", HEAD + b"Content-Length: 2\r\nX-A: one two\r\nContent-Length: 2\r\n\r\nhi", "repeated"),
    ("lists its length", HEAD + b"Content-Length: 2, 2\r\nX-A: one two\r\n\r\nhi", "repeated"),
]


@pytest.mark.parametrize(("text", "warning"), [row[1:] for row in REPAIRED], ids=[row[0] for row in REPAIRED])
async def test_what_may_be_read_is_read_with_a_warning_and_the_connection_kept(text: bytes, warning: str) -> None:
    async with scripted(answers(text)) as server, Client() as client:
        for reused in (False, True):
            response = await client.get(server.url)
            assert (response.status, response.body, response.headers["x-a"]) == (200, b"hi", "one two")
            assert response.connection.reused is reused
            assert warning in response.warnings[0]


async def test_a_large_body_that_nobody_needs_is_given_up_and_still_a_success() -> None:
    async with scripted(large_body) as server, Client() as client:
        response = await client.get(server.url, body="drain")
        assert (response.status, response.body) == (200, b"")
        assert response.bytes_received > 256 * 1024
    assert client.stats()["closed_total"] == {"not-kept": 1}


async def test_a_small_body_that_nobody_needs_is_drained_and_the_connection_kept() -> None:
    async with scripted(answers(OK, CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")) as server, Client() as client:
        for reused in (False, True, True):
            response = await client.get(server.url, body="drain")
            assert (response.body, response.bytes_received, response.connection.reused) == (b"", 2, reused)


async def test_a_bomb_that_nobody_needs_is_not_decoded() -> None:
    bomb = gzipped(gzip.compress(b"\0" * 20_000_000))
    async with scripted(answers(bomb)) as server, Client() as client:
        response = await client.get(server.url, body="drain")
        assert (response.status, response.body) == (200, b"")


async def test_one_byte_at_a_time_is_a_response_like_any_other() -> None:
    text = b"HTTP/1.1 103 Early\r\n\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.trickle(text)

    async with scripted(script) as server, Client() as client:
        for _ in range(2):
            assert (await client.get(server.url)).body == b"hello"
        assert client.stats()["warm_total"] == 1


async def test_a_response_that_began_is_timed_out_as_a_whole() -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(TEN)
        heard.set()
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url, timeout=SOON)
        assert heard.is_set()
        assert caught.value.answer is not None
        assert caught.value.answer.status == 200
        assert client.stats()["connections"]["in_use"] == 0
    assert client.stats()["closed_total"] == {"timeout": 1}


async def test_an_answer_before_the_question_is_an_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    async with scripted(script) as server, Client() as client:
        assert (await client.get(server.url)).status == 503
