"""Streamed responses that end early, break off, or are given up: what becomes of their connections."""

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from milkrun.client import Client, RequestError, StreamedResponse, UsageError
from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.tls import Contexts
from milkrun.client.exchange.inflow import HIGH_WATER
from milkrun.client.http1.connection import Connection
from milkrun.client.preparing import RequestOptions
from tests.support.accounts import at_rest
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Directory
from tests.support.http2_origin import Served, http2_origin
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, Script, answers, hangs_up_once, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

H2: RequestOptions = {"http2": "prior-knowledge"}
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"
LONGEST = 1000  # turns of the loop


async def read(client: Client, url: str, method: str = "GET") -> StreamedResponse:
    async with client.stream(method, url) as response:
        assert await response.read() == b"hi"
    return response


class LosingDialer(Dialer):
    """Its connections have heard all that they will, and were closed by the server, before the first request."""

    def __init__(self) -> None:
        super().__init__(resolver=Directory(), contexts=Contexts())

    async def dial(self, *args: Any, **options: Any) -> Any:
        dialled = await super().dial(*args, **options)
        assert await until(lambda: dialled.protocol.ended is not None)
        return dialled


@pytest.mark.parametrize("first", ["response", "cancellation"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_goes_away_in_the_turn_of_the_whole_response_gives_its_place_up_once(method: str, first: str) -> None:
    async with scripted(silence) as server, Client() as client:
        content = iter((b"all",)) if method == "POST" else None
        request = asyncio.create_task(client.open(client.prepare(method, server.url, content=content)))
        assert await until(lambda: bool(client._pool._connections))
        (connection,) = client._pool._connections
        assert isinstance(connection, Connection)
        await turns()
        assert connection._lent is not None
        if first == "cancellation":
            request.cancel()
        connection._lent.data_received(OK)  # the loop would say so; now nothing comes between
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert at_rest(client, idle=1)
        assert client._pool.total.used == 0


async def test_what_is_left_is_read_for_the_connection_if_it_is_little() -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999
    async with scripted(answers(text)) as server, Client() as client:
        for reused in (False, True):
            async with client.stream("GET", server.url) as response:
                assert response.connection.reused == reused
            await response.aclose()
        assert at_rest(client, idle=1)


async def test_what_is_left_ends_the_connection_if_it_is_much() -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 5000
    async with scripted(answers(text)) as server, Client(drain_limit=100) as client:
        async with client.stream("GET", server.url):
            pass
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_reader_who_has_held_the_sender_back_may_go_away(at_once: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        with suppress(OSError):  # the client has gone
            await peer.say(b"x" * 40_000_000)

    async with scripted(script) as server, Client() as client:
        response = await client.open(client.prepare("GET", server.url, max_body=40_000_000))
        assert await until(lambda: response._flight._inflow.waiting > HIGH_WATER)
        if at_once:
            response.cut()
        else:
            await response.aclose()
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_block_left_by_an_exception_ends_the_connection() -> None:
    async with scripted(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")) as server, Client() as client:
        with pytest.raises(ZeroDivisionError):
            async with client.stream("GET", server.url):
                raise ZeroDivisionError
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"] == {"cancelled": 1}


@pytest.mark.parametrize(
    ("rest", "end", "kind"),
    [
        (b"", Peer.close, ("receive", "truncated")),
        (b"", Peer.reset, ("receive", "reset")),
        (b"rubbish\r\n", silence, ("protocol", "bad-framing")),
    ],
)
async def test_a_body_that_breaks_off_is_told_once_what_came_of_it_was_read(
    rest: bytes, end: Callable[[Peer], Awaitable[None] | None], kind: tuple[str, str]
) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await read.wait()
        if rest:
            await peer.say(rest)
        ending = end(peer)
        if ending is not None:
            await ending

    async with scripted(script) as server, Client() as client:
        async with client.stream("GET", server.url) as response:
            pieces = aiter(response)
            assert await anext(pieces) == b"hi"
            read.set()
            with pytest.raises(RequestError) as caught:
                await anext(pieces)
        assert (caught.value.layer, caught.value.kind) == kind
        assert caught.value.answer is not None
        assert caught.value.answer.status == 200
        assert caught.value.timings.total > 0
        assert await until(lambda: at_rest(client, idle=0))


async def half_close(peer: Peer) -> None:
    peer.half_close()
    await silence(peer)


@pytest.mark.parametrize("end", [None, half_close])
async def test_a_body_without_a_length_ends_with_its_connection(end: Script | None) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await peer.say(b"lo")
        if end is not None:
            await end(peer)

    async with scripted(script) as server, Client() as client:
        async with client.stream("GET", server.url) as response:
            assert await response.read() == b"hello"
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"] == {"not-kept": 1}


async def test_what_follows_a_body_unasked_ends_the_connection() -> None:
    async with scripted(answers(OK + b"rubbish")) as server, Client() as client:
        for _ in range(2):
            async with client.stream("GET", server.url) as response:
                assert (await response.read(), response.connection.reused) == (b"hi", False)
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("early", [b"", OK, OK[:20]])
async def test_a_server_that_hangs_up_before_the_question_may_have_answered(early: bytes) -> None:
    async def script(peer: Peer) -> None:
        if early:
            await peer.say(early)

    async with scripted(script) as server, Client() as client:
        client._pool._opener._dialer = LosingDialer()
        streamed = read(client, server.url)
        if early == OK:
            assert (await streamed).status == 200
        else:
            with pytest.raises(RequestError, match="wait/closed"):
                await streamed
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_stale_connection_is_replaced_for_a_stream_as_for_a_whole(method: str) -> None:
    async with scripted(hangs_up_once()) as server, Client() as client:
        await client.get(server.url)
        streamed = read(client, server.url, method)
        if method == "GET":
            assert (await streamed).stale_retry
        else:
            with pytest.raises(RequestError, match="wait/closed"):
                await streamed
        assert await until(lambda: client.stats()["connections"]["in_use"] == 0)
        assert client.stats()["stale_retries_total"] == (method == "GET")


async def test_a_client_that_closes_ends_the_streams_that_are_read() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi"
    async with scripted(answers(half)) as server, scripted(silence) as silent:
        client = Client()
        response = await client.open(client.prepare("GET", server.url))
        waiting = asyncio.create_task(client.open(client.prepare("GET", silent.url)))
        reading = asyncio.create_task(response.read())
        assert await until(lambda: bool(silent.peers))
        await turns()
        await client.aclose()
        for task in (reading, waiting):
            with pytest.raises(UsageError, match="the client is closed"):
                await task
        response.cut()
        assert await until(lambda: at_rest(client, idle=0))


async def use(client: Client, url: str, options: RequestOptions, method: str) -> None:
    if method == "POST":
        options = {**options, "content": iter((b"a", b"b"))}
    async with client.stream(method, url, **options) as response:
        async for _ in response:
            return  # the rest is for the client to read


async def bit_by_bit(peer: Peer) -> None:
    while await peer.request():
        await peer.trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
        await peer.trickle(b"ho")


async def frame_by_frame(stream: Served) -> None:
    for step in (lambda: stream.head(200), lambda: stream.say(b"hi"), lambda: stream.say(b"ho", end=True)):
        stepping = step()
        if stepping is not None:
            await stepping
        await turns(3)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("options", [RequestOptions(), H2], ids=["HTTP/1.1", "HTTP/2"])
async def test_a_stream_cancelled_after_any_number_of_turns_leaves_the_pool_clean(
    options: RequestOptions, method: str
) -> None:
    before = open_sockets()
    async with scripted(bit_by_bit) as plain, http2_origin(frame_by_frame) as shared, Client() as client:
        url = shared.url if options else plain.url
        for count in range(LONGEST):
            using = asyncio.create_task(use(client, url, options, method))
            await turns(count)
            using.cancel()
            (outcome,) = await asyncio.gather(using, return_exceptions=True)
            assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1)), f"after {count} turns"
            assert client._pool.total.used == 0
            if not isinstance(outcome, asyncio.CancelledError):
                break
        assert 0 < count < LONGEST - 1
    assert await settled(before)


async def test_a_response_that_is_dropped_unclosed_says_so() -> None:
    async with scripted(answers(BEGUN)) as origin, Client() as client:
        with pytest.warns(ResourceWarning, match=r"unclosed <StreamedResponse 200 .*aclose"):
            await client.open(client.prepare("GET", origin.url))


async def test_a_response_that_outlives_its_loop_says_so_and_asks_nothing_more_of_it() -> None:
    async with scripted(answers(BEGUN)) as origin, Client() as client:
        response = await client.open(client.prepare("GET", origin.url))
        response._home.loop = asyncio.new_event_loop()
        response._home.loop.close()
        with pytest.warns(ResourceWarning, match=r"unclosed <StreamedResponse 200 .*aclose"):
            del response
        assert not at_rest(client, idle=0)


async def test_a_response_that_has_ended_or_whose_client_has_goes_without_a_word() -> None:
    async with scripted(answers(OK, BEGUN)) as origin, Client() as client:
        whole = await client.open(client.prepare("GET", origin.url))
        assert await whole.read() == b"hi"
        begun = await client.open(client.prepare("GET", origin.url))
        await client.aclose()
        del whole, begun
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()


async def begun(stream: Served) -> None:
    stream.head(200, [(b"content-length", b"9")])
    await stream.say(b"hi")


async def closed_meanwhile(client: Client, url: str, *, at_once: bool) -> None:
    response = await client.open(client.prepare("GET", url), timeout=None)
    reader = asyncio.create_task(response.read())
    assert await until(lambda: response.bytes_received == 2)
    await turns()
    if at_once:
        response.cut()
    else:
        await response.aclose()
    with pytest.raises(UsageError, match="the response is closed"):
        await reader
    assert await until(lambda: at_rest(client, idle=client.stats()["connections"]["idle"]))


@pytest.mark.parametrize("at_once", [True, False], ids=["cut", "aclose"])
async def test_who_reads_a_response_that_another_task_closes_is_told(*, at_once: bool) -> None:
    async with scripted(answers(BEGUN)) as origin, Client() as client:
        await closed_meanwhile(client, origin.url, at_once=at_once)
    async with http2_origin(begun) as origin, Client(http2="prior-knowledge") as client:
        await closed_meanwhile(client, origin.url, at_once=at_once)
