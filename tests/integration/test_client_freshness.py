"""When a warm connection is not used again: age, uses, names that move, and what servers were seen to do.

Time is the loop's own, and passes by hand.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from milkrun.client import Client, Descriptors, Response, UsageError
from milkrun.client.preparing import RequestOptions
from milkrun.client.resolve.resolver import Answer
from tests.support import http2_origin as h2
from tests.support.accounts import at_rest, balanced
from tests.support.dialling import Directory
from tests.support.http2_origin import Http2Origin, http2_origin
from tests.support.puppets import Puppet, Puppets, puppets
from tests.support.stepping import SteppedLoop
from tests.support.turns import turns, until

H2: RequestOptions = {"http2": "prior-knowledge"}


@pytest.fixture
def loop() -> Iterator[SteppedLoop]:
    stepped = SteppedLoop()
    yield stepped
    stepped.close()


class Moving:
    """A Resolver whose one name leads where a test says."""

    def __init__(self) -> None:
        self.address = "127.0.0.1"

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:  # noqa: ARG002  # as `Resolver` has it
        return Answer(addresses=((socket.AF_INET, self.address),), ttl=60, cached=False)

    async def close(self) -> None:
        """Nothing is open."""


async def exchange(client: Client, origin: Puppets) -> Response:
    """One request, answered at once."""
    request = asyncio.create_task(client.get(f"http://127.0.0.1:{origin.port}/"))
    assert await until(lambda: asked(origin) is not None)
    puppet = asked(origin)
    assert puppet is not None
    puppet.whole()
    return await request


def asked(origin: Puppets) -> Puppet | None:
    return next((puppet for puppet in origin.puppets if puppet.path is not None and not puppet.lost), None)


async def pass_time(loop: SteppedLoop, seconds: float, steps: int = 1) -> None:
    for _ in range(steps):
        loop.moment += seconds / steps
        await turns(40)


def test_a_server_that_closes_after_five_seconds_is_not_asked_warm_after_ten(loop: SteppedLoop) -> None:
    async def play() -> None:
        async with puppets() as origin, Client(clock=loop.time, resolver=Directory()) as client:
            for _ in range(2):
                assert not (await exchange(client, origin)).connection.reused
                await pass_time(loop, 5)
                origin.puppets[-1].close()
                await turns(40)
            await exchange(client, origin)
            await pass_time(loop, 3.5)
            assert (await exchange(client, origin)).connection.reused
            await pass_time(loop, 4.1)
            assert at_rest(client, idle=0)  # given up before the server does
            assert client.stats()["closed_total"] == {"server": 2, "idle": 1}
            await pass_time(loop, 600)  # by then it may do otherwise
            await exchange(client, origin)
            await pass_time(loop, 30)
            assert (await exchange(client, origin)).connection.reused
            assert client.stats()["stale_retries_total"] == 0

    loop.run_until_complete(play())


def test_a_connection_found_dead_shortens_the_patience_with_its_origin(loop: SteppedLoop) -> None:
    async def play() -> None:
        async with puppets() as origin, Client(clock=loop.time, resolver=Directory()) as client:
            await exchange(client, origin)
            await pass_time(loop, 10)
            request = asyncio.create_task(client.get(f"http://127.0.0.1:{origin.port}/"))
            assert await until(lambda: asked(origin) is not None)
            origin.puppets[0].close()  # as the request arrives
            assert await until(lambda: origin.puppets[0].lost and asked(origin) is not None)
            origin.puppets[1].whole()
            assert (await request).stale_retry
            await pass_time(loop, 9.1)
            assert at_rest(client, idle=0)
            assert client.stats()["closed_total"] == {"failed": 1, "idle": 1}

    loop.run_until_complete(play())


@pytest.mark.parametrize(("mine", "uses"), [(None, 3), (2, 2), (1, 1)])
def test_a_connection_carries_so_many_requests_and_no_more(loop: SteppedLoop, mine: int | None, uses: int) -> None:
    async def play() -> None:
        async with served() as (plain, shared), Client(clock=loop.time, resolver=Directory(), max_uses=3) as client:
            own: RequestOptions = {} if mine is None else {"max_uses": mine}
            for url, options in ((plain, own), (shared.url, RequestOptions({**H2, **own}))):
                for number in range(2 * uses):
                    response = await client.get(url, **options)
                    assert response.connection.uses == number % uses
            await turns(40)
            assert client.stats()["closed_total"]["max-uses"] >= 3 - (uses > 1)
            assert balanced(client)

    loop.run_until_complete(play())


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, Http2Origin]]:
    """An origin of each kind that answers everything."""
    async with puppets() as origin, http2_origin(h2.answers(b"hi")) as shared:
        answering = asyncio.create_task(_answer(origin))
        yield f"http://127.0.0.1:{origin.port}/", shared
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def _answer(origin: Puppets) -> None:
    while True:
        puppet = asked(origin)
        if puppet is not None:
            puppet.whole()
        await asyncio.sleep(0)


async def test_a_connection_must_be_allowed_to_carry_one_request_at_least() -> None:
    async with Client() as client:
        with pytest.raises(UsageError, match="max_uses is 0"):
            client.prepare("GET", "http://127.0.0.1/", max_uses=0)
        assert client.prepare("GET", "http://127.0.0.1/", max_uses=None).max_uses > 1_000_000


def test_a_shared_connection_grows_too_old_for_those_who_want_a_younger_one(loop: SteppedLoop) -> None:
    async def play() -> None:
        async with (
            served() as (_, shared),
            Client(clock=loop.time, resolver=Directory(), max_age=100, http2="prior-knowledge") as client,
        ):
            await client.get(shared.url)
            await pass_time(loop, 50)
            assert (await client.get(shared.url)).connection.reused
            assert not (await client.get(shared.url, max_age=10)).connection.reused
            await pass_time(loop, 101)
            assert not (await client.get(shared.url)).connection.reused
            assert client.stats()["closed_total"] == {"max-age": 2}

    loop.run_until_complete(play())


def test_a_shared_connection_that_nobody_uses_is_given_up(loop: SteppedLoop) -> None:
    async def play() -> None:
        async with (
            served() as (_, shared),
            Client(clock=loop.time, resolver=Directory(), http2="prior-knowledge") as client,
        ):
            await client.get(shared.url)
            await pass_time(loop, 121)
            assert at_rest(client, idle=0)
            await client.get(shared.url)
            loop.moment += 121  # the timer is late
            assert not (await client.get(shared.url)).connection.reused
            assert client.stats()["closed_total"] == {"idle": 2}

    loop.run_until_complete(play())


def test_a_shared_connection_gives_way_to_who_needs_its_descriptor(loop: SteppedLoop) -> None:
    async def play() -> None:
        descriptors = Descriptors(1)
        async with (
            served() as (plain, shared),
            Client(clock=loop.time, resolver=Directory(), descriptors=descriptors) as client,
        ):
            await client.get(shared.url, **H2)
            await client.get(plain)
            assert (await client.get(shared.url, **H2)).status == 200
            waiting = [asyncio.create_task(client.get(shared.url, **H2))]
            waiting += [asyncio.create_task(client.get(url)) for url in (plain, plain)]
            assert [response.status for response in await asyncio.gather(*waiting)] == [200] * 3
            assert client.stats()["closed_total"].keys() == {"budget"}

    loop.run_until_complete(play())


@pytest.mark.parametrize("options", [RequestOptions(), H2], ids=["HTTP/1.1", "HTTP/2"])
def test_a_connection_is_left_when_its_name_has_moved(loop: SteppedLoop, options: RequestOptions) -> None:
    names = Moving()

    async def play() -> None:
        async with (
            served() as (plain, shared),
            Client(clock=loop.time, resolver=names, idle_expiry=1e6, max_age=1e6) as client,
        ):
            url = (shared.url if options else plain).replace("127.0.0.1", "a.test")
            await client.get(url, **options)
            await pass_time(loop, 300, 10)
            assert at_rest(client, idle=1)
            names.address = "127.0.0.2"
            await pass_time(loop, 100, 5)
            assert at_rest(client, idle=1)  # who rotates answers leaves one out now and then
            await pass_time(loop, 300, 10)
            assert at_rest(client, idle=0)
            assert client.stats()["closed_total"] == {"name": 1}
            await pass_time(loop, 300, 10)  # nobody is asked about a name without connections

    loop.run_until_complete(play())


@pytest.mark.parametrize("options", [RequestOptions(), H2], ids=["HTTP/1.1", "HTTP/2"])
def test_a_connection_in_use_is_left_once_it_is_free(loop: SteppedLoop, options: RequestOptions) -> None:
    names = Moving()

    async def play() -> None:
        async with (
            puppets() as plain,
            http2_origin(h2.silence) as shared,
            Client(clock=loop.time, resolver=names, idle_expiry=1e6, max_age=1e6) as client,
        ):
            port = shared.port if options else plain.port
            request = client.prepare("GET", f"http://a.test:{port}/", **options)
            answer = asyncio.create_task(client.send(request, timeout=None))
            assert await until(lambda: bool(shared.streams) or asked(plain) is not None)
            names.address = "127.0.0.2"
            await pass_time(loop, 600, 200)
            assert client.stats()["connections"]["in_use"] == 1
            if options:
                await shared.streams[0].respond(200, b"/")
            else:
                plain.puppets[0].whole()
            assert (await answer).status == 200
            assert await until(lambda: at_rest(client, idle=0))
            assert client.stats()["closed_total"] == {"name": 1}

    loop.run_until_complete(play())
