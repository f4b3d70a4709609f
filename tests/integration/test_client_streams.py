"""Responses read as they come: bodies, trailers, interim responses, codings, redirects."""

import asyncio
from collections.abc import Callable

import pytest

from milkrun.client import Client, Digest, RequestError, UsageError
from milkrun.client.exchange.inflow import HIGH_WATER
from tests.support.accounts import at_rest
from tests.support.compressing import brotlied, gzipped, zstded
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import turns, until
from tests.support.worldclock import ShiftedClock

__all__ = ["anyio_backend"]

PIECE = b"x" * 1_000_000
COUNT = 40  # more than the kernel holds for a connection


async def test_a_keep_alive_time_is_heeded_however_much_comes_at_once() -> None:
    text = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi"
    clock = ShiftedClock()
    async with scripted(answers(text)) as server, Client(clock=clock) as client:
        for seconds, reused in ((0, False), (5, False), (3, True)):
            clock.advance(seconds)
            async with client.stream("GET", server.url) as response:
                assert await response.read() == b"hi"
                assert response.connection.reused == reused


async def read(client: Client, url: str) -> bytes:
    async with client.stream("GET", url) as response:
        return await response.read()


async def test_a_reader_who_takes_nothing_holds_the_sender_back() -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (COUNT * len(PIECE)))
        for _ in range(COUNT):
            await peer.say(PIECE)
            sent += len(PIECE)
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        async with client.stream("GET", server.url) as response:
            before = -1
            while before != sent:
                before = sent
                await turns(1000)
            assert sent < COUNT * len(PIECE)
            assert response._flight._inflow.waiting <= HIGH_WATER + 256 * 1024
            assert sum([len(piece) async for piece in response]) == COUNT * len(PIECE)
        assert response.bytes_received == COUNT * len(PIECE)
        assert at_rest(client, idle=1)


async def test_pieces_are_there_as_they_come_and_times_once_they_have_ended() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
        await more.wait()
        await peer.say(b"ho")
        await silence(peer)

    async with scripted(script) as server, Client() as client, client.stream("GET", server.url) as response:
        pieces = aiter(response)
        assert await anext(pieces) == b"hi"
        assert (response.bytes_received, client.stats()["connections"]["in_use"]) == (2, 1)
        assert response.timings.total == 0
        more.set()
        assert [piece async for piece in pieces] == [b"ho"]
        assert response.timings.total > 0
        assert response.timings.receive > 0
        assert at_rest(client, idle=1)


async def test_trailers_are_known_once_the_body_is_read() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nDigest: abc \r\nX: y\r\n\r\n"

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.trickle(text)

    async with scripted(script) as server, Client() as client:
        for _ in range(2):
            async with client.stream("GET", server.url) as response:
                assert list(response.trailers) == []
                assert await response.read() == b"hi"
                assert list(response.trailers.items()) == [("digest", "abc"), ("x", "y")]
        assert response.connection.reused


async def test_interim_responses_are_told() -> None:
    text = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK
    async with scripted(answers(text)) as server, Client() as client, client.stream("GET", server.url) as response:
        assert [(status, dict(fields)) for status, fields in response.interim] == [
            (103, {"link": "</a.css>"}),
            (102, {}),
        ]
        assert (response.status, await response.read()) == (200, b"hi")


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
    ],
)
async def test_a_response_without_a_body_is_over_with_its_head(method: str, text: bytes) -> None:
    async with scripted(answers(text)) as server, Client() as client:
        for reused in (False, True):
            async with client.stream(method, server.url) as response:
                assert response.connection.reused == reused
                assert await response.read() == b""
        assert at_rest(client, idle=1)


async def test_a_body_comes_once_and_not_after_the_end_of_its_block() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        async with client.stream("GET", server.url) as response:
            assert await response.text() == "hi"
            with pytest.raises(UsageError, match="read already"):
                await response.read()
        async with client.stream("GET", server.url) as response:
            pass
        with pytest.raises(UsageError, match="the response is closed"):
            await response.read()


async def test_a_response_that_hands_nothing_over_has_no_tunnel() -> None:
    async with scripted(answers(OK)) as server, Client() as client, client.stream("GET", server.url) as response:
        with pytest.raises(UsageError, match="does not hand the connection over"):
            _ = response.tunnel


async def test_an_answer_given_before_the_question_is_the_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(OK)
        await silence(peer)

    async with scripted(script) as server, Client() as client, client.stream("GET", server.url) as response:
        assert await response.read() == b"hi"


async def test_rubbish_instead_of_a_head_is_told_as_such() -> None:
    async with scripted(answers(b"rubbish\r\n\r\n")) as server, Client() as client:
        with pytest.raises(RequestError, match="protocol/bad-status-line"):
            async with client.stream("GET", server.url):
                pytest.fail("a response")
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("size", [10, 500])
async def test_redirects_are_followed_to_the_stream(size: int) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * min(size, 150))

    async def script(peer: Peer) -> None:
        while heard := await peer.request():
            await peer.say(moved if heard.split()[1] == b"/" else OK)

    async with (
        scripted(script) as server,
        Client(drain_limit=100) as client,
        client.stream("GET", server.url, redirects="all") as response,
    ):
        assert (await response.read(), response.url) == (b"hi", f"{server.url}there")
        assert [hop.status for hop in response.history] == [302]
        assert response.connection.reused == (size == 10)


async def test_a_stream_proves_who_it_is_where_that_is_asked() -> None:
    challenge = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'

    async def script(peer: Peer) -> None:
        while heard := await peer.request():
            await peer.say(OK if b"\r\nAuthorization: Digest" in heard else challenge + b"Content-Length: 3\r\n\r\nwho")

    async with (
        scripted(script) as server,
        Client() as client,
        client.stream("GET", server.url, auth=Digest("me", "secret")) as response,
    ):
        assert (response.status, await response.read()) == (200, b"hi")
        assert response.connection.reused


async def test_a_body_over_its_bound_is_stopped_where_it_goes_over() -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 90
    async with scripted(answers(text)) as server, Client() as client:
        async with client.stream("GET", server.url, max_body=50) as response:
            with pytest.raises(RequestError, match="body/too-large"):
                await response.read()
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize(("name", "encode"), [(b"gzip", gzipped), (b"br", brotlied), (b"zstd", zstded)])
async def test_codings_are_undone_piece_by_piece_and_bounded(name: bytes, encode: Callable[[bytes], bytes]) -> None:
    body = bytes(1_000_000)
    coded = encode(body)
    text = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (name, len(coded), coded)
    async with scripted(answers(text)) as server, Client() as client:
        async with client.stream("GET", server.url) as response:
            assert await response.read() == body
            assert response.bytes_received == len(coded)
        async with client.stream("GET", server.url) as response:
            assert b"".join([piece async for piece in response.raw()]) == coded
        async with client.stream("GET", server.url, max_body=100_000) as response:
            with pytest.raises(RequestError, match="body/too-large"):
                await response.read()


async def test_a_whole_response_is_text_and_json_too() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Length: 10\r\n\r\n"
    async with scripted(answers(head + b'{"a": "\xe4"}', OK)) as server, Client() as client:
        assert (await client.get(server.url)).text == '{"a": "\xe4"}'
        whole = await client.get(server.url)
        await whole.discard()
        with pytest.raises(ValueError, match="Expecting value"):
            whole.json()


async def test_codings_are_undone_however_small_the_pieces() -> None:
    coded = gzipped(b"hello")

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(coded))
        await peer.trickle(coded)
        await silence(peer)

    async with scripted(script) as server, Client() as client, client.stream("GET", server.url) as response:
        pieces = [piece async for piece in response]
        assert all(pieces)
        assert b"".join(pieces) == b"hello"


async def test_trailers_are_no_larger_than_a_head_may_be() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + b"X: y\r\n" * 600 + b"\r\n"
    async with scripted(answers(text)) as server, Client(max_head=1000) as client:
        with pytest.raises(RequestError, match="protocol/header-too-large"):
            await read(client, server.url)
        assert await until(lambda: at_rest(client, idle=0))


async def test_content_that_is_large_and_whole_goes_out_before_the_stream_comes_back() -> None:
    content = b"x" * 3_000_000

    async def script(peer: Peer) -> None:
        while await peer.message():
            await peer.say(OK)

    async with scripted(script) as server, Client() as client:
        for reused in (False, True):
            async with client.stream("POST", server.url, content=content) as response:
                assert (await response.read(), response.connection.reused) == (b"hi", reused)
        assert response.timings.send > 0
