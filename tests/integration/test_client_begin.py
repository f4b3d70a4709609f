"""`Client.begin`: what comes in one piece is given whole, what does not is read in pieces, and every end of either."""

import asyncio
import gc

import pytest

from milkrun.client import Client, RequestError, RequestTimeoutError, StreamedResponse, Timeouts
from milkrun.client.http1.connection import Connection
from milkrun.client.response_landed import LandedResponse
from tests.support.accounts import at_rest
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, hangs_up_once, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

LONGEST = 200  # turns of the loop; a request on a warm connection takes some tens
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
KEPT_BRIEFLY = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi"
CODED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone"


async def begin(client: Client, url: str, **options: float) -> LandedResponse | StreamedResponse:
    return await client.begin(client.prepare("GET", url), timeout=Timeouts(**options))


def _http1(client: Client) -> list[Connection]:
    return [connection for connection in client._pool._connections if isinstance(connection, Connection)]


async def asked(client: Client, url: str) -> tuple[asyncio.Task[LandedResponse | StreamedResponse], Connection]:
    """A request that has just gone out on the one connection there is."""
    asking = asyncio.create_task(begin(client, url))
    await turns(1)
    (connection,) = _http1(client)
    return asking, connection


async def read(response: LandedResponse | StreamedResponse) -> bytes:
    body = b"".join([piece async for piece in response.raw()])
    await response.discard()
    return body


async def test_the_first_response_of_a_connection_comes_in_pieces_and_one_on_a_warm_connection_whole() -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        first = await begin(client, origin.url)
        assert await read(first) == b"hi"
        second = await begin(client, origin.url)
        assert await read(second) == b"hi"
        assert isinstance(first, StreamedResponse)
        assert isinstance(second, LandedResponse)
        assert (second.status, second.reason, second.version, second.stream_id) == (200, "OK", "1.1", None)
        assert repr(second) == f"<LandedResponse 200 {origin.url}>"
        assert second.connection.reused
        assert second.timings.total == second.timings.send + second.timings.wait + second.timings.receive
        assert second.get_extra_info("peername") == ("127.0.0.1", origin.port)
        second.cut()
        assert at_rest(client, idle=1)
        assert client.stats()["warm_total"] == 1


async def test_a_landed_body_has_its_codings_still_on_and_an_empty_one_no_piece() -> None:
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with scripted(answers(OK, CODED, nothing)) as origin, Client() as client:
        await client.get(origin.url)
        assert await read(await begin(client, origin.url)) == b"none"
        empty = await begin(client, origin.url)
        assert [piece async for piece in empty.raw()] == []


async def test_a_landed_response_says_how_long_its_connection_may_be_idle_and_whether_it_may_be_kept() -> None:
    close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    async with scripted(answers(OK, KEPT_BRIEFLY, close)) as origin, Client() as client:
        await client.get(origin.url)
        response = await begin(client, origin.url)
        assert isinstance(response, LandedResponse)
        assert response.over.patience < 1.1
        await begin(client, origin.url)
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("cut", range(1, len(HEAD) + 4, 7))
async def test_a_response_that_comes_in_two_pieces_goes_on_in_pieces_wherever_it_was_cut(cut: int) -> None:
    text = HEAD + b"late"

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()
        await peer.say(text[:cut])
        await turns(20)
        await peer.say(text[cut:])
        await peer.request()
        await peer.say(OK)
        await peer.gone()

    async with scripted(script) as origin, Client() as client:
        await client.get(origin.url)
        response = await begin(client, origin.url)
        assert isinstance(response, StreamedResponse)
        assert response.connection.reused
        assert await read(response) == b"late"
        assert response.timings.receive >= 0
        assert at_rest(client, idle=1)
        assert (await client.get(origin.url)).connection.uses == 2


async def test_a_body_that_ends_with_its_connection_goes_on_in_pieces() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nto the end")

    async with scripted(script) as origin, Client() as client:
        await client.get(origin.url)
        assert await read(await begin(client, origin.url)) == b"to the end"
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("is_warm", [False, True])
async def test_the_time_before_and_after_an_interim_response_is_waited(is_warm: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if is_warm:
            await peer.say(OK)
            await peer.request()
        await peer.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await is_later.wait()
        await peer.say(OK)
        await peer.gone()

    is_later = asyncio.Event()
    async with scripted(script) as origin, Client(clock=lambda: now) as client:
        now = asyncio.get_running_loop().time()
        if is_warm:
            await client.get(origin.url)
        asking = asyncio.create_task(begin(client, origin.url))
        assert await until(lambda: any(connection._lent for connection in _http1(client)))
        await turns(20)
        now += 3
        is_later.set()
        response = await asking
        assert await read(response) == b"hi"
        assert (response.timings.wait, response.timings.receive) == pytest.approx((3, 0))


async def test_a_stale_connection_is_replaced_once() -> None:
    async with scripted(hangs_up_once()) as origin, Client() as client:
        await client.get(origin.url)
        response = await client.begin(client.prepare("GET", origin.url), timeout=None)
        assert response.stale_retry
        assert not response.connection.reused
        assert len(origin.peers) == 2
        await response.discard()


async def test_what_fails_is_explained() -> None:
    async with scripted(answers(OK, b"nonsense\r\n\r\n")) as origin, Client() as client:
        await client.get(origin.url)
        with pytest.raises(RequestError) as caught:
            await begin(client, origin.url)
        assert (caught.value.layer, caught.value.kind) == ("protocol", "bad-status-line")
        assert caught.value.connection is not None
        assert caught.value.timings.total > 0
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("piece", [b"", HEAD[:20]])
async def test_the_time_to_read_is_the_limit_whether_nothing_comes_or_a_part_of_the_head(piece: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()
        await peer.say(piece)
        await peer.gone()

    async with scripted(script) as origin, Client() as client:
        await client.get(origin.url)
        with pytest.raises(RequestTimeoutError) as caught:
            await begin(client, origin.url, read=0.02, connect=9, write=9, pool=9)
        assert caught.value.layer == "wait"
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("text", [OK, HEAD])
async def test_cancelled_after_any_number_of_turns_it_leaves_nothing_behind(text: bytes) -> None:
    async with scripted(answers(OK, text)) as origin:
        for count in range(LONGEST):
            async with Client() as client:
                await client.get(origin.url)
                asking = asyncio.create_task(begin(client, origin.url))
                await turns(count)
                asking.cancel()
                (outcome,) = await asyncio.gather(asking, return_exceptions=True)
                if isinstance(outcome, StreamedResponse):
                    outcome.cut()
                assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1)), f"after {count} turns"
                assert client._pool.total.used == 0
            if not isinstance(outcome, asyncio.CancelledError):
                break
        assert 0 < count < LONGEST - 1


async def test_cancelled_in_the_turn_in_which_the_response_went_on_in_pieces_it_gives_the_connection_up() -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        await client.get(origin.url)
        asking, connection = await asked(client, origin.url)
        connection.data_received(HEAD)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await until(lambda: at_rest(client, idle=0))


async def test_cancelled_in_the_turn_before_the_response_came_it_does_not_go_on_in_pieces() -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        await client.get(origin.url)
        asking, connection = await asked(client, origin.url)
        asking.cancel()
        connection.data_received(HEAD)
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await until(lambda: at_rest(client, idle=0))


async def test_what_failed_in_the_turn_of_a_cancellation_is_no_unheard_error() -> None:
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    async with scripted(answers(OK)) as origin, Client() as client:
        await client.get(origin.url)
        asking, connection = await asked(client, origin.url)
        connection._transport.get_protocol().data_received(HEAD[:20])  # type: ignore[attr-defined]  # it is a loop's own
        connection._transport.get_protocol().eof_received()  # type: ignore[attr-defined]
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await until(lambda: at_rest(client, idle=0))
    del asking, connection
    gc.collect()
    assert not unheard


async def test_a_stream_on_a_warm_connection_may_last_longer_than_an_idle_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        for _ in range(2):
            await peer.request()
            await peer.say(HEAD + b"la")
            await outlived.wait()
            outlived.clear()
            await peer.say(b"te")
        await silence(peer)

    outlived = asyncio.Event()
    async with scripted(script) as origin, Client(idle_expiry=0.02, clock=lambda: now) as client:
        now = asyncio.get_running_loop().time()
        await client.get(origin.url)
        for opened in (client.open(client.prepare("GET", origin.url)), begin(client, origin.url)):
            response = await opened
            assert response.connection.reused
            now += 1
            (lane,) = client._pool._lanes.values()
            assert lane.open == 1
            client._pool._deadlines._strike()  # type: ignore[union-attr]  # it was used
            outlived.set()
            assert await read(response) == b"late"


LARGE = b"x" * 20_000_000  # more than a socket's buffers hold


async def test_an_early_answer_in_pieces_to_a_large_request_costs_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.hear()
        await peer.say(HEAD)
        await is_begun.wait()
        await peer.say(b"late")
        await peer.gone()

    is_begun = asyncio.Event()
    async with scripted(script) as origin, Client() as client:
        await client.get(origin.url)
        response = await client.begin(client.prepare("POST", origin.url, content=LARGE), timeout=Timeouts())
        is_begun.set()
        assert await read(response) == b"late"
        assert await until(lambda: at_rest(client, idle=0))  # else the next request would follow half of this one
        assert client.stats()["closed_total"] == {"not-kept": 1}


@pytest.mark.parametrize(("limits", "fails"), [(Timeouts(read=1), False), (Timeouts(write=1), True)])
async def test_the_time_to_write_limits_a_large_request_on_a_warm_connection_and_not_the_time_to_read(
    limits: Timeouts, fails: bool
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.hear()
        is_heard.set()
        await asyncio.Event().wait()  # and hear no more

    is_heard = asyncio.Event()
    async with scripted(script) as origin, Client(clock=lambda: now) as client:
        now = asyncio.get_running_loop().time()
        await client.get(origin.url)
        asking = asyncio.create_task(client.begin(client.prepare("POST", origin.url, content=LARGE), timeout=limits))
        await is_heard.wait()
        await turns(20)
        now += 2
        client._pool._deadlines._strike()  # type: ignore[union-attr]  # it was used
        await turns(20)
        assert asking.done() is fails
        asking.cancel()
        (outcome,) = await asyncio.gather(asking, return_exceptions=True)
        assert getattr(outcome, "layer", None) == ("send" if fails else None)
        assert await until(lambda: at_rest(client, idle=0))
