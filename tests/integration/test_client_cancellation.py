"""A request cancelled at every await, on both loops: the pool is as it was, and whoever waited is served."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from milkrun.client import Client, Descriptors, Limits, RequestError
from milkrun.client.resolve.resolver import Answer
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Directory
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import black_hole, mute
from tests.support.scripted import OK, Peer, Script, answers, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

LONGEST = 600  # turns of the loop; a request with its dial takes some tens
TWO_PIECES = (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi", b"ho")


async def cancelled(request: asyncio.Task[object]) -> bool:
    request.cancel()
    (outcome,) = await asyncio.gather(request, return_exceptions=True)
    return isinstance(outcome, asyncio.CancelledError)


async def in_pieces(peer: Peer) -> None:
    while await peer.request():
        for piece in TWO_PIECES:
            await peer.say(piece)
            await turns(5)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("use", ["read", "drain"])
async def test_a_request_cancelled_after_any_number_of_turns_leaves_the_pool_clean(warm: bool, use: str) -> None:
    before = open_sockets()
    async with scripted(in_pieces) as server, Client() as client:
        for count in range(LONGEST):
            if warm:
                await client.get(server.url)
            request = asyncio.create_task(client.get(server.url, body="drain" if use == "drain" else "read"))
            await turns(count)
            early = await cancelled(request)
            assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1)), f"after {count} turns"
            if not early:
                break
        assert 0 < count < LONGEST - 1
        assert (await client.get(server.url)).status == 200
    assert await settled(before)


async def test_a_request_cancelled_in_each_phase_gives_everything_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    directory = Directory()
    before = open_sockets()

    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.say(TWO_PIECES[0])
        await silence(peer)

    async with (
        scripted(silence) as waiting,
        scripted(half) as receiving,
        Client(resolver=directory, ca_file=authority.ca_file) as client,
    ):
        with black_hole() as hole, mute() as dumb:
            urls = [f"http://127.0.0.1:{hole}/", f"https://127.0.0.1:{dumb}/", waiting.url, receiving.url]
            requests = [asyncio.create_task(client.get(url)) for url in urls]
            requests.append(asyncio.create_task(client.put(waiting.url, content=b"x" * 20_000_000)))
            assert await until(lambda: bool(waiting.peers) and bool(receiving.peers))
            await turns(50)
            directory.open.clear()
            requests.append(asyncio.create_task(client.get("http://127.0.0.9/")))
            await turns(5)
            for request in requests:
                assert await cancelled(request)
            assert await until(lambda: at_rest(client, idle=0))
            assert client.stats()["origins"] == 0
    assert await settled(before)


def cancel(task: asyncio.Task[object], _: asyncio.Task[object]) -> None:
    task.cancel()


LIMITS: list[tuple[str, Callable[[], Client]]] = [
    ("origin", lambda: Client(limits=Limits(per_origin=1))),
    ("total", lambda: Client(limits=Limits(total=1))),
    ("descriptors", lambda: Client(descriptors=Descriptors(1))),
]


def held(release: asyncio.Event) -> Script:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await release.wait()
            await peer.say(OK)

    return script


@pytest.mark.parametrize("make", [row[1] for row in LIMITS], ids=[row[0] for row in LIMITS])
async def test_waiters_are_served_in_order_and_a_cancelled_one_is_passed_over(make: Callable[[], Client]) -> None:
    release = asyncio.Event()
    served: list[int] = []

    async def ask(client: Client, url: str, number: int) -> None:
        await client.get(url, fresh=number % 2 == 0)
        served.append(number)

    async with scripted(held(release)) as server, make() as client:
        requests = [asyncio.create_task(ask(client, server.url, number)) for number in range(8)]
        assert await until(lambda: client.stats()["queue"] == 7)
        for number in (1, 4, 7):
            assert await cancelled(requests[number])
        assert client.stats()["queue"] == 4
        release.set()
        await asyncio.gather(*requests, return_exceptions=True)
        assert served == [0, 2, 3, 5, 6]
        idle = client.stats()["connections"]["idle"]
        assert await until(lambda: at_rest(client, idle=idle))


async def test_a_waiter_cancelled_in_the_turn_it_was_served_gives_its_place_on() -> None:
    release = asyncio.Event()
    async with scripted(held(release)) as server, Client(limits=Limits(total=1)) as client:
        for _ in range(20):
            release.clear()
            first, second, third = (asyncio.create_task(client.get(server.url)) for _ in range(3))
            assert await until(lambda: client.stats()["queue"] == 2)
            release.set()
            # A task's callbacks run in the turn in which it ends: the place is with the second, which has not run yet.
            first.add_done_callback(partial(cancel, second))
            outcomes = await asyncio.gather(first, second, third, return_exceptions=True)
            assert isinstance(outcomes[1], asyncio.CancelledError)
            assert not isinstance(outcomes[2], BaseException)
            assert await until(lambda: at_rest(client, idle=client.stats()["connections"]["idle"]))


class Cancelling(Directory):
    """Knows no name; as it says so, somebody else goes away."""

    def __init__(self) -> None:
        super().__init__()
        self.victims: list[asyncio.Task[object]] = []

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        await super().resolve(host, fresh=fresh)
        for victim in self.victims:  # before the failure, in this very turn, hands them the place
            asyncio.get_running_loop().call_soon(victim.cancel)
        raise RequestError("dns", "not-found", "there is no such name")


@pytest.mark.parametrize("count", [1, 3])
async def test_an_origin_is_forgotten_whose_last_place_went_to_waiters_that_were_gone(count: int) -> None:
    directory = Cancelling()
    directory.open.clear()
    async with Client(limits=Limits(per_origin=1), resolver=directory) as client:
        requests = [asyncio.create_task(client.get("http://a.test/")) for _ in range(1 + count)]
        directory.victims = [*requests[1:]]
        assert await until(lambda: client.stats()["queue"] == count)
        directory.open.set()
        failed, *gone = await asyncio.gather(*requests, return_exceptions=True)
        assert isinstance(failed, RequestError)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in gone)
        assert at_rest(client, idle=0)
        assert client.stats()["origins"] == 0


async def test_a_cancellation_in_the_turn_of_the_failure_is_a_cancellation() -> None:
    failed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await failed.wait()

    async with scripted(script) as server, Client() as client:
        request = asyncio.create_task(client.get(server.url))
        assert await until(lambda: bool(server.peers) and bool(server.peers[0].heard))
        connection = next(iter(client._pool._connections))
        connection.eof_received()  # the loop would say so; now nothing comes between
        assert await cancelled(request)
        assert await until(lambda: client.stats()["connections"]["in_use"] == 0)


async def closing(client: Client, requests: list[Awaitable[object]]) -> list[object]:
    await turns(3)
    assert await until(lambda: client.stats()["queue"] == 1)
    await client.aclose()
    return list(await asyncio.gather(*requests, return_exceptions=True))


async def test_a_client_that_closes_ends_what_is_under_way_and_what_waits() -> None:
    before = open_sockets()
    async with scripted(silence) as server, scripted(answers(OK)) as other:
        client = Client(limits=Limits(per_origin=1))
        await client.get(other.url)
        requests: list[Awaitable[object]] = [asyncio.create_task(client.get(server.url)) for _ in range(2)]
        assert await until(lambda: bool(server.peers))
        outcomes = await closing(client, requests)
        assert [type(outcome).__name__ for outcome in outcomes] == ["UsageError", "UsageError"]
        assert at_rest(client, idle=0)
        assert client.stats()["closed_total"] == {"client": 2}
    assert await settled(before)


async def test_a_dial_that_ends_after_the_client_closed_is_closed_too() -> None:
    directory = Directory()
    directory.open.clear()
    async with scripted(answers(OK)) as server:
        client = Client(resolver=directory)
        request = asyncio.create_task(client.get(server.url))
        await turns(5)
        await client.aclose()
        directory.open.set()
        (outcome,) = await asyncio.gather(request, return_exceptions=True)
        assert type(outcome).__name__ == "UsageError"
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_content_that_is_given_up_half_way_closes_its_connection(end: str) -> None:
    begun = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield b"x"
        begun.set()
        if end == "failed":
            raise LookupError
        await asyncio.Event().wait()

    async with scripted(silence) as server, Client() as client:
        request = asyncio.create_task(client.post(server.url, content=content(), timeout=60))
        await begun.wait()
        if end == "cancelled":
            assert await cancelled(request)
        else:
            with pytest.raises(LookupError):
                await request
        assert await until(lambda: at_rest(client, idle=0))
