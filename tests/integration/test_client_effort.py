"""What a request costs stays the same whatever else the client has to do with; work is counted, not timed."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import Context
from pathlib import Path
from typing import TypeVarTuple, Unpack

import pytest

from milkrun.client import Client, Limits
from tests.support.authority import Authority
from tests.support.effort import counted, effort_of
from tests.support.peers import Says, server
from tests.support.scripted import OK, Peer, Scripted, answers, scripted
from tests.support.stepping import SteppedLoop
from tests.support.turns import until

Ts = TypeVarTuple("Ts")
EVERYWHERE = "0.0.0.0"  # noqa: S104  # each of its addresses is an origin
MANY = 200


def origins(server: Scripted, count: int, path: str = "") -> list[str]:
    return [f"http://127.0.7.{number}:{server.port}/{path}" for number in range(1, count + 1)]


async def patient(peer: Peer) -> None:
    """Answers all but those who wait for nothing."""
    while request := await peer.request():
        if b"/wait" not in request:
            await peer.say(OK)


# A little more may be chance: a bucket of deadlines that is new, a lane that was there already.
AS_MUCH = 1.1


@pytest.mark.parametrize("fresh", [False, True], ids=["warm", "cold"])
async def test_a_request_is_no_more_work_among_hundreds_of_idle_connections(fresh: bool) -> None:
    async with scripted(answers(OK), host=EVERYWHERE) as server, Client() as client:
        first, *others = origins(server, MANY)
        prepared = client.prepare("GET", first, fresh=fresh)
        alone = await effort_of(lambda: client.send(prepared))
        await asyncio.gather(*(client.get(url) for url in others))
        assert client.stats()["connections"]["idle"] >= len(others)
        assert await effort_of(lambda: client.send(prepared)) <= alone * AS_MUCH


@pytest.mark.parametrize("fresh", [False, True], ids=["warm", "cold"])
async def test_a_request_is_no_more_work_while_hundreds_are_under_way(fresh: bool) -> None:
    async with scripted(patient, host=EVERYWHERE) as server, Client() as client, AsyncExitStack() as stack:
        first = origins(server, 1)[0]
        prepared = client.prepare("GET", first, fresh=fresh)
        alone = await effort_of(lambda: client.send(prepared))
        hung = [*origins(server, MANY, "wait"), *([f"{first}wait"] * 50)]
        requests = [asyncio.create_task(client.get(url)) for url in hung]
        stack.callback(lambda: [request.cancel() for request in requests])
        assert await until(lambda: client.stats()["connections"]["in_use"] == len(hung))
        assert await effort_of(lambda: client.send(prepared)) <= alone * AS_MUCH


async def queued(count: int) -> int:
    """Calls for so many requests to as many origins, one at a time, the others waiting."""
    async with scripted(answers(OK), host=EVERYWHERE) as server, Client(limits=Limits(total=1)) as client:
        requests = [client.prepare("GET", url) for url in origins(server, count)]
        for request in requests:
            await client.send(request)
        with counted() as effort:
            await asyncio.gather(*map(client.send, requests))
        return effort.calls


async def test_a_request_that_ends_serves_the_next_and_troubles_no_other_who_waits() -> None:
    assert await queued(MANY) / MANY <= await queued(MANY // 10) / (MANY // 10) * AS_MUCH


async def test_a_client_in_long_use_works_no_harder() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        warm, cold = (client.prepare("GET", server.url, fresh=fresh) for fresh in (False, True))
        young = [await effort_of(lambda: client.send(warm)), await effort_of(lambda: client.send(cold))]
        for _ in range(1_000):
            await client.send(warm)
        for _ in range(100):
            await client.send(cold)
        old = [await effort_of(lambda: client.send(warm)), await effort_of(lambda: client.send(cold))]
        assert all(after <= before * AS_MUCH for before, after in zip(young, old, strict=True))


async def test_the_fiftieth_handshake_is_no_more_work_than_the_second(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        server(lambda: Says(OK), context=authority.good()) as port,
        Client(ca_file=authority.ca_file) as client,
    ):
        cold = client.prepare("GET", f"https://localhost:{port}/", fresh=True)
        await client.send(cold)
        young = await effort_of(lambda: client.send(cold))
        for _ in range(40):
            await client.send(cold)
        assert await effort_of(lambda: client.send(cold)) <= young * AS_MUCH


class CountingLoop(SteppedLoop):
    """Counts the timers that are set."""

    timers = 0

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


async def ask_often(loop: CountingLoop, count: int) -> tuple[int, int]:
    async with scripted(answers(OK)) as server, Client(clock=loop.time) as client:
        await client.get(server.url)
        before = loop.timers
        for _ in range(count):
            await client.get(server.url)
        return loop.timers - before, client.stats()["warm_total"]


def test_warm_requests_set_no_timer_each() -> None:
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CountingLoop)
        assert runner.run(ask_often(loop, 100)) == (0, 100)
