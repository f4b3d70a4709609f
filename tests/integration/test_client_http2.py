"""HTTP/2 through the client, on real sockets: one connection for many, and each fault where it belongs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from milkrun.client import Client, RequestError, RequestTimeoutError, Response
from milkrun.client.http2.session import STREAM_WINDOW
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.http2_origin import Http2Origin, Http2Peer, Script, Served, answers, http2_origin, silence
from tests.support.loops import both_loops as anyio_backend  # noqa: F401  # a fixture
from tests.support.turns import turns, until

MAX = SettingCodes.MAX_CONCURRENT_STREAMS
WINDOW = SettingCodes.INITIAL_WINDOW_SIZE
PATIENCE = 20.0  # seconds for a whole test: what never ends is a failure too
LARGE = 3_000_000


@pytest.fixture(params=["plain", "tls"])
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Authority | None:
    return Authority(tmp_path) if request.param == "tls" else None


@asynccontextmanager
async def serving(
    script: Script, authority: Authority | None = None, **options: Any
) -> AsyncIterator[tuple[Http2Origin, Client]]:
    """An origin and a client that knows or trusts it."""
    way: dict[str, Any] = {"ca_file": authority.ca_file} if authority else {"http2": "prior-knowledge"}
    context = authority.good() if authority else None
    async with (
        asyncio.timeout(PATIENCE),
        http2_origin(script, context=context, **options) as origin,
        Client(resolver="system", **way) as client,
    ):
        yield origin, client


async def failure(request: Any) -> tuple[str, str]:
    with pytest.raises(RequestError) as caught:
        await request
    return caught.value.layer, caught.value.kind


async def test_ten_simultaneous_requests_to_a_cold_origin_open_one_connection(authority: Authority | None) -> None:
    async with serving(answers(b"hi"), authority) as (origin, client):
        responses = await asyncio.gather(*(client.get(origin.url) for _ in range(10)))
        assert [(response.body, response.version) for response in responses] == [(b"hi", "2")] * 10
        assert (len(origin.peers), client.stats()["opened_total"]) == (1, 1)
        assert sorted(response.connection.uses for response in responses) == list(range(10))
        assert all(response.connection.tls is not None for response in responses) is (authority is not None)


async def test_a_hundred_at_once_to_a_warm_origin_share_its_connection(authority: Authority | None) -> None:
    async with serving(answers(b"hi"), authority) as (origin, client):
        await client.get(origin.url)
        together: list[Response] = await asyncio.gather(*(client.get(origin.url) for _ in range(100)))
        assert {response.connection.reused for response in together} == {True}
        assert len(origin.peers) == 1
        assert at_rest(client, idle=1)


async def test_who_goes_away_resets_a_stream_and_nobody_else_notices(authority: Authority | None) -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/slow":
            await stream.reset_by_client()
        else:
            await stream.respond(200, b"hi")

    async with serving(script, authority) as (origin, client):
        await client.get(origin.url)
        slow = asyncio.create_task(client.get(origin.url + "slow"))
        assert await until(lambda: len(origin.streams) == 2)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await origin.streams[1].reset_by_client() == ErrorCodes.CANCEL
        assert (await client.get(origin.url)).connection.reused
        assert len(origin.peers) == 1
        assert at_rest(client, idle=1)


async def test_a_deadline_resets_a_stream_and_the_connection_lives() -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/head":
            stream.head(200)
        elif stream.path == b"/":
            await stream.respond(200)

    async with serving(script) as (origin, client):
        await client.get(origin.url)
        for path, layer in (("silent", "wait"), ("head", "receive")):
            with pytest.raises(RequestTimeoutError) as caught:
                await client.get(origin.url + path, timeout=0.05)
            assert caught.value.layer == layer
            assert await origin.streams[-1].reset_by_client() == ErrorCodes.CANCEL
            await turns()  # until the server's answer to the PING has come: before, the connection is in doubt
        assert (await client.get(origin.url)).connection.uses == 3


async def test_after_goodbye_what_is_under_way_ends_well_and_the_next_is_elsewhere(authority: Authority | None) -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/bye":
            stream.head(200)
            stream.peer.goaway(stream.id)
        await stream.respond(200, b"hi") if stream.path == b"/" else await stream.say(b"still", end=True)

    async with serving(script, authority) as (origin, client):
        assert (await client.get(origin.url + "bye")).body == b"still"
        await origin.peers[0].gone()
        assert (await client.get(origin.url)).body == b"hi"
        assert len(origin.peers) == 2
        assert client.stats()["closed_total"] == {"not-kept": 1}
        assert client.stats()["stale_retries_total"] == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ["goaway", "refused"])
async def test_what_the_server_has_not_processed_is_sent_once_more_and_says_so(method: str, how: str) -> None:
    async def script(stream: Served) -> None:
        if len(origin.streams) > 1:
            await stream.respond(200, await stream.content())
        elif how == "goaway":
            stream.peer.goaway(0)
        else:
            stream.reset(ErrorCodes.REFUSED_STREAM)

    async with serving(script) as (origin, client):
        response = await client.request(method, origin.url, content=b"twice" if method == "POST" else None)
        assert (response.status, response.stale_retry) == (200, True)
        assert response.body == (b"twice" if method == "POST" else b"")
        assert client.stats()["stale_retries_total"] == 1


async def test_what_the_server_never_processes_is_not_sent_for_ever() -> None:
    async def script(stream: Served) -> None:
        stream.reset(ErrorCodes.REFUSED_STREAM)

    async with serving(script) as (origin, client):
        assert await failure(client.get(origin.url)) == ("wait", "reset")
        assert len(origin.streams) == 2


async def test_what_the_server_may_have_processed_is_not_sent_again() -> None:
    async def script(stream: Served) -> None:
        stream.reset(ErrorCodes.INTERNAL_ERROR)

    async with serving(script) as (origin, client):
        assert await failure(client.get(origin.url)) == ("wait", "reset")
        assert await failure(client.get(origin.url)) == ("wait", "reset")
        assert (len(origin.streams), len(origin.peers)) == (2, 1)


async def test_a_connection_found_dead_is_replaced_once() -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/reset":
            stream.peer.reset()
        else:
            await stream.respond(200)

    async with serving(script) as (origin, client):
        await client.get(origin.url)
        assert await failure(client.get(origin.url + "reset")) == ("wait", "reset")
        assert [len(peer.streams) for peer in origin.peers] == [2, 1]


async def test_no_more_streams_at_once_than_the_server_allows() -> None:
    most = 0

    async def script(stream: Served) -> None:
        nonlocal most
        most = max(most, stream.peer.h2.open_inbound_streams)
        for _ in range(5):
            await asyncio.sleep(0)
        await stream.respond(200, b"hi")

    async with serving(script, settings={MAX: 2}) as (origin, client):
        responses = await asyncio.gather(*(client.get(origin.url) for _ in range(20)))
        assert [response.body for response in responses] == [b"hi"] * 20
        assert most == 2
        assert origin.complaints == []
        assert not any(response.stale_retry for response in responses)


async def test_a_limit_lowered_midway_fails_nobody() -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/lower":
            stream.peer.change({MAX: 1})
        await stream.respond(200, b"hi")

    async with serving(script, settings={MAX: 10}) as (origin, client):
        await client.get(origin.url + "lower")
        responses = await asyncio.gather(*(client.get(origin.url) for _ in range(10)))
        assert [response.body for response in responses] == [b"hi"] * 10
        assert origin.complaints == []


async def test_content_and_body_are_large_where_windows_are_small(authority: Authority | None) -> None:
    async def script(stream: Served) -> None:
        await stream.respond(200, await stream.content())

    content = bytes(range(256)) * 1000
    async with serving(script, authority, settings={WINDOW: 1000}) as (origin, client):
        await client.get(origin.url)  # after which the window is known: h2 gives none back that shrank while in use
        small = [asyncio.create_task(client.post(origin.url, content=b"small")) for _ in range(3)]
        response = await client.post(origin.url, content=content)
        assert response.body == content
        assert [(await each).body for each in small] == [b"small"] * 3
        assert len(origin.peers) == 1


async def test_content_stops_where_the_server_gives_no_window_and_the_deadline_says_send() -> None:
    async with serving(silence, credit=False) as (origin, client):
        with pytest.raises(RequestTimeoutError) as caught:
            await client.post(origin.url, content=b"x" * 200_000, timeout=0.1)
        assert caught.value.layer == "send"
        assert origin.streams[0].received == 65_535
        assert (await origin.streams[0].reset_by_client()) == ErrorCodes.CANCEL


async def test_streamed_content_waits_for_the_window(authority: Authority | None) -> None:
    taken = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(10):
            taken += 1
            yield b"x" * 50_000

    async def script(stream: Served) -> None:
        await stream.heard(65_535)
        assert taken == 2
        stream.credit(1_000_000)
        await stream.respond(200, b"%d" % len(await stream.content()))

    async with serving(script, authority, credit=False) as (origin, client):
        assert (await client.post(origin.url, content=content())).body == b"500000"


async def test_a_slow_reader_stops_the_server_and_nobody_else(authority: Authority | None) -> None:
    async def script(stream: Served) -> None:
        if stream.path == b"/large":
            stream.head(200)
            await stream.say(b"x" * LARGE, end=True)
        else:
            await stream.respond(200, b"hi")

    async with serving(script, authority) as (origin, client), client.stream("GET", origin.url + "large") as response:
        large = origin.streams[0]
        assert await until(lambda: large.sent == STREAM_WINDOW)
        assert (await client.get(origin.url)).body == b"hi"
        assert large.sent == STREAM_WINDOW
        assert len(await response.read()) == LARGE
        assert len(origin.peers) == 1


async def test_a_body_that_nobody_reads_to_its_end_resets_its_stream() -> None:
    async def script(stream: Served) -> None:
        stream.head(200)
        await stream.say(b"x" * LARGE, end=True)

    async with serving(script) as (origin, client):
        async with client.stream("GET", origin.url):
            pass
        assert await origin.streams[0].reset_by_client() == ErrorCodes.CANCEL
        assert at_rest(client, idle=1)


async def test_interim_responses_and_trailers_are_told() -> None:
    async def script(stream: Served) -> None:
        stream.head(103, [(b"link", b"</style.css>")])
        await stream.respond(200, b"body", trailers=[(b"x-sum", b"4")])

    async with serving(script) as (origin, client), client.stream("GET", origin.url) as response:
        assert await response.read() == b"body"
        assert [(status, dict(fields)) for status, fields in response.interim] == [(103, {"link": "</style.css>"})]
        assert dict(response.trailers) == {"x-sum": "4"}


async def test_content_waits_for_the_word_to_go_on() -> None:
    async def script(stream: Served) -> None:
        assert stream.received == 0
        stream.head(100)
        await stream.respond(200, await stream.content())

    async with serving(script) as (origin, client):
        response = await client.post(origin.url, content=b"at last", headers={"Expect": "100-continue"})
        assert response.body == b"at last"


async def test_an_answer_that_comes_early_ends_the_sending() -> None:
    async def script(stream: Served) -> None:
        stream.head(413, end=True)
        stream.reset(ErrorCodes.NO_ERROR)

    async with serving(script, credit=False) as (origin, client):
        assert (await client.post(origin.url, content=b"x" * LARGE)).status == 413
        assert (await client.post(origin.url, content=b"x" * 10)).status == 413
        assert len(origin.peers) == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-x\r\n"])
async def test_a_server_that_does_not_speak_http_2_is_told_from_one_that_does(answer: bytes) -> None:
    async def greeting(peer: Http2Peer) -> None:
        peer.raw(answer)

    async with serving(silence, greeting=greeting) as (origin, client):
        assert await failure(client.get(origin.url)) == ("protocol", "bad-status-line")


async def test_a_server_that_never_greets_is_waited_for_until_the_deadline() -> None:
    async def greeting(peer: Http2Peer) -> None:
        peer.deaf = True

    async with serving(silence, greeting=greeting) as (origin, client):
        assert await failure(client.get(origin.url, timeout=0.1)) == ("wait", "timeout")


async def test_an_idle_connection_that_the_server_closes_leaves_the_pool_at_once(authority: Authority | None) -> None:
    async with serving(answers(b"hi"), authority) as (origin, client):
        await client.get(origin.url)
        origin.peers[0].close()
        assert await until(lambda: client.stats()["connections"]["open"] == 0)
        assert client.stats()["closed_total"] == {"server": 1}
        response = await client.get(origin.url)
        assert (response.connection.reused, response.stale_retry) == (False, False)


async def test_closing_the_client_says_goodbye(authority: Authority | None) -> None:
    async with serving(answers(b"hi"), authority) as (origin, client):
        await client.get(origin.url)
        await client.aclose()
        await origin.peers[0].gone()
        assert origin.peers[0].farewell is not None


async def test_a_request_with_a_connection_of_its_own_leaves_the_others_alone(authority: Authority | None) -> None:
    async with serving(answers(b"hi"), authority) as (origin, client):
        await client.get(origin.url)
        assert not (await client.get(origin.url, fresh=True)).connection.reused
        assert (await client.get(origin.url)).connection.uses == 1
        assert len(origin.peers) == 2


async def test_a_server_that_knows_both_is_asked_in_http_1_if_wanted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(answers(b"hi"), authority) as (origin, client):
        assert (await client.get(origin.url)).version == "2"
        with pytest.raises(RequestError):  # it chose HTTP/1.1 as asked, and this origin cannot speak it
            await client.get(origin.url, http2=False, timeout=1)
        assert len(origin.complaints) == 1
