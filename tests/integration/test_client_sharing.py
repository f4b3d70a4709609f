"""Requests that wait for another's handshake, whose connection they may share: how long, and what they do then.

Time is the loop's own, and passes by hand: a second is what they wait.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from milkrun.client import Client, RequestError, Response
from tests.support import http2_origin as h2
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.http2_origin import Http2Peer, http2_origin
from tests.support.peers import Says, server
from tests.support.scripted import OK
from tests.support.stepping import SteppedLoop
from tests.support.turns import turns, until

COUNT = 4


@pytest.fixture
def loop() -> Iterator[SteppedLoop]:
    stepped = SteppedLoop()
    yield stepped
    stepped.close()


class Callers(asyncio.Protocol):
    """Counts connections, and does nothing with them; or closes them."""

    def __init__(self, made: list[asyncio.Transport], *, hang_up: bool = False) -> None:
        self._made = made
        self._hang_up = hang_up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.append(cast("asyncio.Transport", transport))
        if self._hang_up:
            self._made[-1].close()


def asked(client: Client, url: str) -> list[asyncio.Task[Response]]:
    return [asyncio.create_task(client.get(url)) for _ in range(COUNT)]


def test_a_server_that_turns_out_to_speak_http_1_1_only_is_not_waited_for_again(
    loop: SteppedLoop, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    made: list[asyncio.Transport] = []

    class Noted(Says):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(cast("asyncio.Transport", transport))
            super().connection_made(transport)

    async def burst(client: Client, url: str) -> list[Response]:
        return list(await asyncio.gather(*asked(client, url)))

    async def play() -> None:
        async with (
            server(lambda: Noted(OK), context=authority.good()) as port,
            Client(ca_file=authority.ca_file, resolver=Directory(), clock=loop.time) as client,
        ):
            url = f"https://localhost:{port}/"
            assert [response.status for response in await burst(client, url)] == [200] * COUNT
            assert len(made) == COUNT
            assert at_rest(client, idle=COUNT)
            loop.moment += 1000  # all are too old now
            calls = asked(client, url)
            await turns(3)
            assert client.stats()["queue"] == 0
            await asyncio.gather(*calls)
            assert len(made) == 2 * COUNT

    loop.run_until_complete(play())


def test_a_handshake_that_hangs_is_waited_for_a_second(loop: SteppedLoop) -> None:
    made: list[asyncio.Transport] = []

    async def play() -> None:
        async with (
            server(lambda: Callers(made)) as port,
            Client(resolver=Directory(), clock=loop.time) as client,
        ):
            calls = asked(client, f"https://localhost:{port}/")
            assert await until(lambda: len(made) == 1)
            await turns(50)
            loop.moment += 0.9
            await turns(50)
            assert (len(made), client.stats()["queue"]) == (1, COUNT - 1)
            loop.moment += 0.2
            assert await until(lambda: len(made) == COUNT)
            assert client.stats()["queue"] == 0
            loop.moment += 60
            for outcome in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(outcome, RequestError)
                assert (outcome.layer, outcome.kind) == ("tls", "timeout")
                assert outcome.timings.queue in (0, pytest.approx(1.1))
            assert await until(lambda: at_rest(client, idle=0))

    loop.run_until_complete(play())


def test_a_handshake_that_fails_lets_the_others_try(loop: SteppedLoop) -> None:
    made: list[asyncio.Transport] = []

    async def play() -> None:
        async with (
            server(lambda: Callers(made, hang_up=True)) as port,
            Client(resolver=Directory(), clock=loop.time) as client,
        ):
            outcomes = await asyncio.gather(*asked(client, f"https://localhost:{port}/"), return_exceptions=True)
            assert {str(outcome).partition(":")[0] for outcome in outcomes} <= {"tls/closed", "tls/reset"}
            assert len(made) == COUNT
            assert await until(lambda: at_rest(client, idle=0))

    loop.run_until_complete(play())


def test_whoever_opens_may_go_away_and_the_next_opens(loop: SteppedLoop) -> None:
    directory = Directory()
    directory.open.clear()

    async def play() -> None:
        async with (
            http2_origin(h2.answers(b"hi")) as origin,
            Client(resolver=directory, clock=loop.time, http2="prior-knowledge") as client,
        ):
            calls = asked(client, origin.url)
            assert await until(lambda: client.stats()["queue"] == COUNT - 1)
            calls[0].cancel()
            await turns()
            assert client.stats()["queue"] == COUNT - 2
            directory.open.set()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(outcomes[0], asyncio.CancelledError)
            assert all(isinstance(outcome, Response) for outcome in outcomes[1:])
            assert len(origin.peers) == 1

    loop.run_until_complete(play())


def test_a_server_that_does_not_say_how_much_it_takes_is_given_a_second(loop: SteppedLoop) -> None:
    async def mute_at_first(peer: Http2Peer) -> None:
        peer.deaf = peer.number == 1
        if not peer.deaf:
            peer.greet()

    async def play() -> None:
        async with (
            http2_origin(h2.answers(b"hi"), greeting=mute_at_first) as origin,
            Client(resolver=Directory(), clock=loop.time, http2="prior-knowledge") as client,
        ):
            calls = asked(client, origin.url)
            assert await until(lambda: client.stats()["queue"] == COUNT - 1)
            await turns(50)
            assert len(origin.peers) == 1
            loop.moment += 1.1
            for response in await asyncio.gather(*calls[1:]):
                assert response.body == b"hi"
                assert response.timings.queue == pytest.approx(1.1)
            assert len(origin.peers) > 1
            loop.moment += 10
            with pytest.raises(RequestError, match="wait/timeout"):
                await calls[0]

    loop.run_until_complete(play())


def test_a_request_with_a_deadline_waits_no_longer_than_that(loop: SteppedLoop) -> None:
    directory = Directory()
    directory.open.clear()

    async def play() -> None:
        async with Client(resolver=directory, clock=loop.time, http2="prior-knowledge") as client:
            calls = [asyncio.create_task(client.get("http://a.test/", timeout=0.5)) for _ in range(2)]
            assert await until(lambda: client.stats()["queue"] == 1)
            loop.moment += 0.6
            first, second = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(first, RequestError)
            assert isinstance(second, RequestError)
            assert (first.layer, first.kind) == ("dns", "timeout")
            assert second.kind in ("timeout", "overload")
            assert await until(lambda: at_rest(client, idle=0))

    loop.run_until_complete(play())
