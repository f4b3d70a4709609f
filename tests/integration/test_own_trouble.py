"""Milkrun's own trouble under a whole monitor, on real sockets and a real clock: unknown, never the target's fault."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from milkrun.alerting.planner import Planner
from milkrun.client import Client
from milkrun.clock import SystemClock
from milkrun.config.settings import Settings, StorageSettings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.live import Committed
from milkrun.monitor.monitor import Monitor, remember
from milkrun.probes.registry import probe_makers
from milkrun.store.memory import MemoryStore
from tests.support.checking import Checks, endpoint, failure
from tests.support.descriptors import open_sockets, settled
from tests.support.scripted import OK, Peer, answers, scripted

PATIENCE = 20.0


class Watched:
    """What a running monitor has committed: results by endpoint name, and where each endpoint stands."""

    def __init__(self, names: dict[int, str]) -> None:
        self.results: dict[str, list[Result]] = {name: [] for name in names.values()}
        self.states: dict[str, EndpointState] = {}
        self._names = names
        self._news = asyncio.Event()

    def hear(self, event: Committed) -> None:
        for result in event.results:
            self.results[self._names[result.endpoint]].append(result)
        self.states |= {self._names[number]: state for number, state in event.states.items()}
        self._news.set()

    async def until(self, name: str, state: Outcome, *, after: int = 0) -> Result:
        """Wait until the endpoint is in this state; give the first check after so many that came to it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [each for each in self.results[name][after:] if each.outcome is state and not _skipped(each)]
                if found and self.states[name].state is state:
                    return found[0]
                self._news.clear()
                await self._news.wait()


def _skipped(result: Result) -> bool:
    return failure(result) == ("self", "overrun")


@asynccontextmanager
async def monitored(settings: Settings) -> AsyncIterator[Watched]:
    """A monitor of these endpoints, everything in it real but the disk."""
    clock, store, live = SystemClock(), MemoryStore(), LiveHub()
    lag = LagMeter(clock)
    async with Client() as client:
        monitor = Monitor(
            clock=clock,
            store=store,
            live=live,
            lag=lag,
            makers=probe_makers(client, clock=clock, lag_since=lag.since),
            client_stats=lambda: dict(client.stats()),
            remembered=await remember(store),
            location="local",
            storage=StorageSettings(),
            planner=Planner((), {}),
        )
        await monitor.begin(settings.endpoints)
        with live.subscribe() as watching:
            watched = Watched({each.id: each.endpoint.name for each in watching.snapshot().registered})
            stopping = asyncio.Event()
            running = asyncio.create_task(monitor.run(stopping))
            listening = asyncio.create_task(_listen(live, watched))
            await asyncio.sleep(0)
            try:
                yield watched
            finally:
                stopping.set()
                await running
                live.close()
                await listening


async def _listen(live: LiveHub, watched: Watched) -> None:
    with live.subscribe() as watching:
        async for event in watching:
            if isinstance(event, Committed):
                watched.hear(event)


@contextmanager
def every_descriptor_held() -> Iterator[None]:
    """Hold duplicates of a descriptor until the process can have no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1_024), hard))
    held: list[int] = []
    try:
        _hold(held)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _hold(held: list[int]) -> None:
    for _ in range(1_024):
        try:
            held.append(os.dup(0))
        except OSError:
            return


async def test_an_endpoint_is_unknown_while_descriptors_are_used_up_and_then_what_it_was(tmp_path: Path) -> None:
    before = open_sockets()
    async with scripted(answers(OK)) as server:
        fresh = {"connection": {"fresh": True}, "interval": "200ms", "timeout": "5s"}
        settings = Checks(tmp_path).settings(
            endpoint("address", server.url, **fresh),
            endpoint("name", server.url.replace("127.0.0.1", "localhost"), **fresh),
            endpoint("warm", server.url, interval="200ms", timeout="5s"),
        )
        async with monitored(settings) as watched:
            for name in watched.results:
                await watched.until(name, Outcome.UP)
            with every_descriptor_held():
                for name in ("address", "name"):
                    result = await watched.until(name, Outcome.UNKNOWN)
                    assert failure(result) == ("self", "descriptors")
                    assert watched.states[name].settled is Outcome.UP
                    assert watched.states[name].incident is None
            for name in ("address", "name"):
                await watched.until(name, Outcome.UP, after=len(watched.results[name]))
        assert {result.outcome for results in watched.results.values() for result in results} == {
            Outcome.UP,
            Outcome.UNKNOWN,
        }
        assert all(result.outcome is Outcome.UP for result in watched.results["warm"])
    assert await settled(before)


async def test_a_held_loop_makes_a_timeout_unknown_and_leaves_an_answer_up(tmp_path: Path) -> None:
    before = open_sockets()
    heard = {"silent": asyncio.Event(), "answering": asyncio.Event()}
    held = asyncio.Event()

    async def says_nothing(peer: Peer) -> None:
        await peer.request()
        heard["silent"].set()
        await peer.gone()

    async def answers_afterwards(peer: Peer) -> None:
        await peer.request()
        heard["answering"].set()
        await held.wait()
        await peer.say(OK)
        await peer.gone()

    async with scripted(says_nothing) as silent, scripted(answers_afterwards) as answering:
        settings = Checks(tmp_path).settings(
            endpoint("silent", silent.url, interval="300ms", timeout="900ms"),
            endpoint("answering", answering.url, interval="300ms", timeout="20s"),
        )
        async with monitored(settings) as watched:
            async with asyncio.timeout(PATIENCE):
                await heard["silent"].wait()
                await heard["answering"].wait()
            time.sleep(1)  # noqa: ASYNC251 - the loop is held on purpose: that is what is tested
            held.set()
            blamed = await watched.until("silent", Outcome.UNKNOWN)
            fine = await watched.until("answering", Outcome.UP)
    assert failure(blamed) == ("self", "overload")
    assert blamed.failure is not None
    assert "held for" in blamed.failure.message
    assert blamed.lag_ms > 500
    assert fine.failure is None
    assert fine.lag_ms > 500
    assert sum(result.slot == blamed.slot for result in watched.results["silent"]) == 1
    assert watched.states["silent"].incident is None
    assert await settled(before)
