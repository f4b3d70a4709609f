"""How responses end: read, left, dropped, cancelled; in each case once, and with nothing left behind."""

import asyncio
import gc
from typing import Any

import pytest

from tests.support.accounts import at_rest
from tests.support.descriptors import open_sockets, settled
from tests.support.httpx_faces import face, talking
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend", "face"]

LONGEST = 400  # turns of the loop; a request with its dial takes some tens
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nbegun"


async def test_a_body_that_is_read_gives_its_connection_back_before_it_is_closed(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, client):
        for _ in range(2):
            async with http.stream("GET", origin.url) as response:
                assert await response.aread() == b"hi"
                assert at_rest(client, idle=1)
            await response.aclose()
        assert at_rest(client, idle=1)


async def test_a_body_left_with_little_to_come_is_read_to_its_end_and_the_connection_kept(face: Any) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(HEAD)
            await go_on.wait()
            await peer.say(b"the  rest")

    go_on = asyncio.Event()
    async with scripted(script) as origin, talking(face) as (http, client):
        async with http.stream("GET", origin.url) as response:
            assert response.status_code == 200
            go_on.set()
        assert at_rest(client, idle=1)
        assert response.is_closed


@pytest.mark.parametrize("text", [EVENTS, HUGE])
async def test_a_body_left_that_may_never_end_is_given_up_with_its_connection(face: Any, text: bytes) -> None:
    async with scripted(answers(text)) as origin, talking(face) as (http, client):
        async with http.stream("GET", origin.url) as response:
            async for piece in response.aiter_raw():
                assert piece in {b"a", b"begun"}
                break
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"] == {"cancelled": 1}


async def test_a_stream_closes_its_response_once(face: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(answers(HUGE)) as origin, talking(face) as (http, client):
        response = await http.send(http.build_request("GET", origin.url), stream=True)
        body = response.stream._stream if hasattr(response.stream, "_stream") else response.stream
        assert repr(body).startswith("<Body of <StreamedResponse 200")
        ended: list[Any] = []
        discard = body._response.discard

        async def noted(**options: Any) -> None:
            ended.append(options)
            await discard(**options)

        monkeypatch.setattr(body._response, "discard", noted)
        for _ in range(3):
            await body.aclose()
        await response.aclose()
        assert len(ended) == 1
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_response_dropped_unread_is_told_and_its_connection_and_place_come_back(face: Any) -> None:
    async def drop() -> None:
        await http.send(http.build_request("GET", origin.url), stream=True)
        gc.collect()  # httpx ties a response and its stream to each other

    async with scripted(answers(HUGE)) as origin, talking(face) as (http, client):
        with pytest.warns(ResourceWarning, match="unclosed <StreamedResponse 200"):
            await drop()
        assert await until(lambda: at_rest(client, idle=0))
        assert client._pool.total.used == 0


@pytest.mark.filterwarnings("ignore:unclosed <StreamedResponse:ResourceWarning")  # httpx2 closes what it leaves
async def test_a_response_dropped_half_read_gives_its_connection_and_place_back(face: Any) -> None:
    async def read_a_little() -> None:
        response = await http.send(http.build_request("GET", origin.url), stream=True)
        assert await anext(response.aiter_raw()) == b"begun"

    async with scripted(answers(HUGE)) as origin, talking(face) as (http, client):
        await read_a_little()
        for _ in range(10):  # with httpx, what is collected first lets go of what can be collected next
            gc.collect()
            if await until(lambda: at_rest(client, idle=0), count=20):
                break
        assert at_rest(client, idle=0)
        assert client._pool.total.used == 0


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("text", [OK, HEAD + b"half"])
async def test_cancelled_after_any_number_of_turns_nothing_is_left_behind(face: Any, warm: bool, text: bytes) -> None:
    before = open_sockets()
    async with scripted(answers(*([OK] if warm else []), text)) as origin:
        for count in range(LONGEST):
            async with talking(face) as (http, client):
                if warm:
                    await http.get(origin.url)
                asking = asyncio.create_task(http.get(origin.url))
                await turns(count)
                asking.cancel()
                outcome: Any
                (outcome,) = await asyncio.gather(asking, return_exceptions=True)
                assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1)), f"after {count} turns"
                assert client._pool.total.used == 0
            if not isinstance(outcome, asyncio.CancelledError) or count > 80:
                break
        assert count > 0
    assert await settled(before)


async def test_a_reader_who_is_cancelled_gives_the_connection_up_at_once(face: Any) -> None:
    async with scripted(answers(HEAD)) as origin, talking(face) as (http, client):
        reading = asyncio.create_task(http.get(origin.url, timeout=None))
        assert await until(lambda: client.stats()["connections"]["in_use"] == 1)
        await turns(50)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await until(lambda: at_rest(client, idle=0))


async def test_closing_the_transports_client_ends_the_requests_under_way(face: Any) -> None:
    async with scripted(silence) as origin, talking(face) as (http, client):
        asking = asyncio.create_task(http.get(origin.url, timeout=None))
        assert await until(lambda: client.stats()["connections"]["in_use"] == 1)
        await client.aclose()
        with pytest.raises(Exception, match="the client is closed"):
            await asking


async def test_an_exception_in_a_hook_of_the_faces_leaves_nothing_open(face: Any) -> None:
    async def hook(response: Any) -> None:
        raise LookupError(response.status_code)

    async with scripted(answers(HUGE)) as origin, talking(face) as (http, client):
        http.event_hooks = {"response": [hook]}
        with pytest.raises(LookupError):
            await http.get(origin.url)
        assert await until(lambda: at_rest(client, idle=0))
