"""Content that is streamed: framed as it comes, held back, broken off, answered early, and announced beforehand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from milkrun.client import Client, Digest, RequestError, UsageError
from tests.support.accounts import at_rest
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import HEAD_END, OK, Peer, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"
CHUNKS = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
MUCH = 40  # megabytes: more than the kernel holds for a connection


async def from_task(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        await turns(2)
        yield piece


def at_once(*pieces: bytes) -> Iterator[bytes]:
    yield from pieces


SOURCES: list[Callable[..., Any]] = [from_task, at_once]


class Hearing:
    """A server that hears requests until the wire ends so, and answers each."""

    def __init__(self, end: bytes, answer: bytes = OK) -> None:
        self.heard: list[bytes] = []
        self._end = end
        self._answer = answer

    async def __call__(self, peer: Peer) -> None:
        data = b""
        while piece := await hear(peer):
            data += piece
            if data.endswith(self._end):
                self.heard.append(data.partition(HEAD_END)[2])
                data = b""
                await peer.say(self._answer)


async def hear(peer: Peer) -> bytes:
    return await peer._loop.sock_recv(peer._sock, 65536)


async def hear_all(peer: Peer) -> None:
    """Hear content to its last chunk, however much it is."""
    tail = b""
    while tail != b"0\r\n\r\n":
        tail = (tail + await hear(peer))[-5:]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("length", [None, 5])
async def test_content_goes_out_as_it_comes(source: Callable[..., Any], whole: bool, length: int | None) -> None:
    server_end = b"0\r\n\r\n" if length is None else b"abcde"
    headers = {} if length is None else {"content-length": str(length)}
    hearing = Hearing(server_end)
    async with scripted(hearing) as server, Client() as client:
        for reused in (False, True):
            content = source(b"ab", b"", b"cde")
            if whole:
                response = await client.put(server.url, content=content, headers=headers)
                assert (response.body, response.connection.reused) == (b"hi", reused)
            else:
                async with client.stream("PUT", server.url, content=content, headers=headers) as streamed:
                    assert (await streamed.read(), streamed.connection.reused) == (b"hi", reused)
        assert at_rest(client, idle=1)
    assert hearing.heard == [CHUNKS if length is None else b"abcde"] * 2


async def test_no_content_at_all_is_a_content_too() -> None:
    hearing = Hearing(b"0\r\n\r\n")
    async with scripted(hearing) as server, Client() as client:
        assert (await client.post(server.url, content=at_once())).status == 200
    assert hearing.heard == [b"0\r\n\r\n"]


async def test_a_body_nobody_needs_is_discarded_after_an_upload_too() -> None:
    async with scripted(Hearing(b"0\r\n\r\n")) as server, Client() as client:
        response = await client.post(server.url, content=at_once(b"x"), body="drain")
        assert (response.body, response.bytes_received) == (b"", 2)


@pytest.mark.parametrize(("length", "says"), [(4, "more than the 4"), (6, "less than the 6")])
@pytest.mark.parametrize("source", SOURCES)
async def test_content_that_is_not_as_long_as_promised_is_a_mistake(
    source: Callable[..., Any], length: int, says: str
) -> None:
    async with scripted(silence) as server, Client() as client:
        with pytest.raises(UsageError, match=says):
            await client.post(server.url, content=source(b"ab", b"cde"), headers={"content-length": str(length)})
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"] == {"cancelled": 1}


async def broken() -> AsyncIterator[bytes]:
    yield b"ab"
    raise ZeroDivisionError


async def test_what_the_source_raises_is_raised_and_the_connection_gone() -> None:
    async with scripted(silence) as server, Client() as client:
        with pytest.raises(ZeroDivisionError):
            await client.post(server.url, content=broken())
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_source_that_fails_after_the_head_of_the_response_fails_its_reader() -> None:
    answered = asyncio.Event()

    async def late() -> AsyncIterator[bytes]:
        yield b"ab"
        await answered.wait()
        raise ZeroDivisionError

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        async with client.stream("POST", server.url, content=late()) as response:
            pieces = aiter(response)
            assert await anext(pieces) == b"hi"
            answered.set()
            with pytest.raises(ZeroDivisionError):
                await anext(pieces)
        assert await until(lambda: at_rest(client, idle=0))


async def test_an_answer_that_comes_early_ends_the_upload() -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b"x" * 100_000

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(REFUSAL)
        await silence(peer)

    async with asyncio.timeout(10), scripted(script) as server, Client() as client:
        response = await client.post(server.url, content=endless())
        assert (response.status, response.body) == (413, b"big")
        assert await until(lambda: at_rest(client, idle=0))
        once = pulled
        await turns()
        assert pulled == once


@pytest.mark.parametrize("source", SOURCES)
async def test_a_generator_of_which_nobody_wants_more_is_closed(source: Callable[..., Any]) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(REFUSAL)
        await silence(peer)

    pieces = source(*[b"x" * 100_000] * 500)
    async with asyncio.timeout(10), scripted(script) as server, Client() as client:
        assert (await client.post(server.url, content=pieces)).status == 413
        assert await until(lambda: getattr(pieces, "ag_frame", None) is getattr(pieces, "gi_frame", None) is None)


async def test_an_answer_may_be_read_while_the_content_is_still_sent() -> None:
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"ab"
        await go.wait()
        yield b"cde"

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
        go.set()
        await hear_all(peer)
        await peer.say(b"ho")
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        async with client.stream("POST", server.url, content=slow()) as response:
            assert await response.read() == b"hiho"
        assert at_rest(client, idle=1)


async def test_a_response_left_while_the_content_is_still_sent_ends_both() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
        await silence(peer)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"ab"
        await asyncio.Event().wait()

    async with scripted(script) as server, Client(drain_limit=0) as client:
        async with client.stream("POST", server.url, content=stuck()):
            pass
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_server_that_does_not_read_holds_the_source_back() -> None:
    pulled, read = 0, asyncio.Event()

    async def much() -> AsyncIterator[bytes]:
        nonlocal pulled
        for _ in range(MUCH):
            pulled += 1
            yield b"x" * 1_000_000

    async def script(peer: Peer) -> None:
        await read.wait()
        await hear_all(peer)
        await peer.say(OK)
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        upload = asyncio.create_task(client.post(server.url, content=much()))
        before = -1
        while before != pulled or not pulled:
            before = pulled
            await turns(500)
        assert pulled < MUCH
        read.set()
        response = await upload
        assert (response.status, pulled) == (200, MUCH)
        assert response.timings.send > 0
        assert at_rest(client, idle=1)


@pytest.mark.parametrize("end", [Peer.close, Peer.reset])
async def test_a_connection_lost_during_the_upload_is_told(end: Callable[[Peer], None]) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        end(peer)

    async def much() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    async with asyncio.timeout(10), scripted(script) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.put(server.url, content=much())
        assert (caught.value.layer, caught.value.stale_retry) == ("send", False)
        assert caught.value.kind in ("closed", "reset")
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_deadline_during_the_upload_strikes_in_send() -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"ab"
        await asyncio.Event().wait()

    async with scripted(silence) as server, Client() as client:
        with pytest.raises(RequestError, match="send/timeout"):
            await client.post(server.url, content=stuck(), timeout=0.05)
        assert await until(lambda: at_rest(client, idle=0))


async def test_an_upload_cancelled_while_it_waits_for_room_leaves_nothing() -> None:
    async def much() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    release = asyncio.Event()

    async def deaf(peer: Peer) -> None:  # noqa: ARG001  # it hears nothing
        await release.wait()

    async with scripted(deaf) as server, Client() as client:
        upload = asyncio.create_task(client.post(server.url, content=much()))
        await turns(2000)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert await until(lambda: at_rest(client, idle=0))
        release.set()


async def test_content_of_which_something_was_used_up_is_not_sent_twice() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.hear()  # and close, as a server does that had enough of the connection

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        with pytest.raises(RequestError) as caught:
            await client.put(server.url, content=from_task(b"ab"))
        assert caught.value.connection is not None
        assert (caught.value.connection.reused, caught.value.stale_retry, len(server.peers)) == (True, False, 1)


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (307, "POST")])
async def test_a_redirect_may_go_on_without_the_stream_but_not_ask_for_it_again(status: int, method: str) -> None:
    moved = b"HTTP/1.1 %d Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n" % status
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await hear_all(peer)
        await peer.say(moved)
        heard.append(await peer.request())
        await peer.say(OK)

    async with scripted(script) as server, Client() as client:
        request = client.post(server.url, content=at_once(b"ab"), redirects="all")
        if method == "GET":
            assert (await request).status == 200
            assert heard[0].startswith(b"GET /there ")
            assert b"Transfer-Encoding" not in heard[0]
        else:
            with pytest.raises(UsageError, match="asks for the content again"):
                await request


async def test_a_stream_is_not_sent_again_to_prove_who_it_is() -> None:
    challenge = (
        b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\nContent-Length: 0\r\n\r\n'
    )
    async with scripted(Hearing(b"0\r\n\r\n", challenge)) as server, Client() as client:
        response = await client.post(server.url, content=at_once(b"ab"), auth=Digest("me", "secret"))
        assert response.status == 401


@pytest.mark.parametrize("content", [["text"], [1, 2], [b"ok", None]])
async def test_a_piece_that_is_no_bytes_is_a_mistake_and_the_connection_gone(content: list[Any]) -> None:
    async with scripted(silence) as origin, Client() as client:
        with pytest.raises(UsageError, match="expected bytes"):
            await client.post(origin.url, content=content)
        assert await until(lambda: at_rest(client, idle=0))


async def test_pieces_that_change_afterwards_go_out_as_they_were() -> None:
    buffer = bytearray(b"aaaa")

    def again_and_again() -> Iterator[Any]:
        for letter in b"abc":
            buffer[:] = bytes([letter]) * 4
            yield memoryview(buffer)

    hearing = Hearing(b"0\r\n\r\n")
    async with scripted(hearing) as origin, Client() as client:
        await client.post(origin.url, content=again_and_again())
    assert hearing.heard[0].endswith(b"4\r\naaaa\r\n4\r\nbbbb\r\n4\r\ncccc\r\n0\r\n\r\n")


@pytest.mark.parametrize("source", SOURCES)
async def test_a_generator_that_was_sent_is_not_sent_as_nothing_the_next_time(source: Callable[..., Any]) -> None:
    hearing = Hearing(b"0\r\n\r\n")
    async with scripted(hearing) as origin, Client() as client:
        request = client.prepare("PUT", origin.url, content=source(b"ab"))
        await client.send(request)
        with pytest.raises(UsageError, match="sent before"):
            await client.send(request)
        assert await until(lambda: at_rest(client, idle=0))
    assert hearing.heard == [b"2\r\nab\r\n0\r\n\r\n"]
