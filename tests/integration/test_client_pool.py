"""The pool's books under any order of events, and its rarer turns."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.client import Client, Descriptors, Limits, RequestError, UsageError
from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.tls import Contexts
from milkrun.client.http1.connection import Connection
from tests.support.accounts import at_rest, balanced
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Directory
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import turns, until

CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"


async def erratic(peer: Peer) -> None:
    """Does what the path says."""
    while request := await peer.request():
        does = request.split()[1]
        if does == b"/close":
            await peer.say(CLOSE)
        elif does == b"/reset":
            return peer.reset()
        elif does == b"/hang-up":
            await peer.say(OK)
            return None
        elif does == b"/rubbish":
            await peer.say(b"rubbish\r\n\r\n")
        elif does == b"/silence":
            await silence(peer)
        else:
            await peer.say(OK)
    return None


PATHS = ["ok", "close", "reset", "hang-up", "rubbish", "silence"]
Step = tuple[str, int, bool, int | None]
STEPS = st.tuples(st.sampled_from(PATHS), st.integers(1, 4), st.booleans(), st.one_of(st.none(), st.integers(0, 40)))


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), budget=st.integers(1, 6), total=st.integers(1, 6))
def test_the_books_balance_whatever_happens_in_whatever_order(steps: list[Step], budget: int, total: int) -> None:
    asyncio.run(play(steps, budget, total))


async def play(steps: list[Step], budget: int, total: int) -> None:
    before = open_sockets()
    limits = Limits(total=total, per_origin=2, handshakes=1)
    descriptors = Descriptors(budget)
    async with scripted(erratic, host="0.0.0.0") as server:  # noqa: S104  # four loopback addresses, one server
        async with Client(limits=limits, descriptors=descriptors) as client:

            async def step(path: str, host: int, fresh: bool, patience: int | None) -> None:
                request = asyncio.create_task(client.get(f"http://127.0.1.{host}:{server.port}/{path}", fresh=fresh))
                if patience is not None or path == "silence":
                    await turns(patience or 60)
                    request.cancel()
                await asyncio.gather(request, return_exceptions=True)
                assert balanced(client)
                assert descriptors.used <= budget

            await asyncio.gather(*(step(*each) for each in steps))
            for host in range(1, 5):  # nothing is stuck
                assert (await client.get(f"http://127.0.1.{host}:{server.port}/")).status == 200
            assert await until(lambda: at_rest(client, idle=client.stats()["connections"]["idle"]))
        assert at_rest(client, idle=0)
    assert await settled(before)


async def test_a_client_that_was_never_used_closes_too() -> None:
    client = Client()
    await client.aclose()
    assert at_rest(client, idle=0)


async def test_a_response_that_came_in_the_turn_of_the_close_is_still_given() -> None:
    async with scripted(answers(OK)) as server:
        client = Client()
        request = asyncio.create_task(client.get(server.url))
        assert await until(lambda: bool(client._pool._connections))
        connection = next(iter(client._pool._connections))
        assert isinstance(connection, Connection)
        assert await until(lambda: connection.answer is not None)
        connection.data_received(OK)
        await client.aclose()
        assert (await request).status == 200
        assert at_rest(client, idle=0)


async def test_a_request_cancelled_in_the_turn_of_the_close_is_cancelled() -> None:
    async with scripted(silence) as server:
        client = Client()
        request = asyncio.create_task(client.get(server.url))
        assert await until(lambda: bool(server.peers))
        await turns()
        request.cancel()
        await client.aclose()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert at_rest(client, idle=0)


class LosingDialer(Dialer):
    """Its connections are lost between the handshake and the first request."""

    async def dial(self, *args: Any, **options: Any) -> Any:
        dialled = await super().dial(*args, **options)
        dialled.transport.abort()
        assert await until(lambda: dialled.protocol.lost)
        return dialled


async def test_a_connection_lost_before_its_first_request_is_accounted_for() -> None:
    async with scripted(silence) as server, Client() as client:
        client._pool._opener._dialer = LosingDialer(resolver=Directory(), contexts=Contexts())
        with pytest.raises(RequestError) as caught:
            await client.get(server.url)
        assert (caught.value.layer, caught.value.kind) == ("wait", "closed")
        assert at_rest(client, idle=0)
        assert client.stats()["opened_total"] == 1


async def test_entering_a_client_in_use_is_no_mistake() -> None:
    async with scripted(answers(OK)) as server:
        client = Client()
        await client.get(server.url)
        async with client:
            assert (await client.get(server.url)).connection.reused


async def test_a_forked_loop_is_told_so() -> None:
    async with Client() as client:
        client._home._pid -= 1

        async def elsewhere() -> None:
            with pytest.raises(UsageError, match="each process"):
                await client.get("http://127.0.0.1/")

        await asyncio.to_thread(asyncio.run, elsewhere())


def test_jitter_spreads_the_ends_of_connections_made_together() -> None:
    random.seed(1)

    async def spread() -> None:
        async with scripted(answers(OK)) as server, Client() as client:
            await asyncio.gather(*(client.get(server.url) for _ in range(20)))
            jitters = {connection.jitter for connection in client._pool._connections}
            assert len(jitters) == len(client._pool._connections) > 1
            assert all(0.9 <= jitter <= 1 for jitter in jitters)

    asyncio.run(spread())


async def test_closing_ends_a_handshake_that_hangs_and_leaves_no_descriptor() -> None:
    before = open_sockets()
    async with scripted(silence) as server:
        client = Client()
        request = asyncio.create_task(client.get(server.url.replace("http", "https"), timeout=None))
        assert await until(lambda: bool(server.peers))
        await client.aclose()
        assert at_rest(client, idle=0)
        with pytest.raises(UsageError, match="closed"):
            await request
    assert await settled(before)


async def test_closing_turns_away_who_waits_for_anothers_handshake() -> None:
    async with scripted(silence) as server:
        client = Client()
        url = server.url.replace("http", "https")
        requests = [asyncio.create_task(client.get(url)) for _ in range(3)]
        assert await until(lambda: bool(server.peers))
        assert await until(lambda: client.stats()["queue"] == 2)
        await client.aclose()
        for request in requests:
            with pytest.raises(UsageError, match="closed"):
                await request
        assert len(server.peers) == 1
        assert at_rest(client, idle=0)


class ClosingDialer(Dialer):
    """The client closes between its handshake and its first request."""

    client: Client
    closing: "asyncio.Task[None]"

    async def dial(self, *args: Any, **options: Any) -> Any:
        dialled = await super().dial(*args, **options)
        self.closing = asyncio.create_task(self.client.aclose())
        await turns()
        return dialled


async def test_a_connection_that_stood_just_as_the_client_closed_is_closed_too() -> None:
    before = open_sockets()
    async with scripted(silence) as server:
        client = Client()
        dialer = ClosingDialer(resolver=Directory(), contexts=Contexts())
        client._pool._opener._dialer, dialer.client = dialer, client
        with pytest.raises(UsageError, match="closed"):
            await client.get(server.url)
        await dialer.closing
        assert at_rest(client, idle=0)
        assert client.stats()["opened_total"] == 1
    assert await settled(before)


async def test_dials_that_have_been_given_up_can_be_given_up_again() -> None:
    async with scripted(silence) as server:
        client = Client()
        request = asyncio.create_task(client.get(server.url.replace("http", "https")))
        assert await until(lambda: bool(server.peers))
        client._dialer.give_up()
        await asyncio.sleep(0)
        client._dialer.give_up()
        with pytest.raises(RequestError) as caught:
            await request
        assert (caught.value.layer, caught.value.kind) == ("tls", "timeout")
        await client.aclose()
