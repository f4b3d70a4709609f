"""Our own network on real sockets: many hosts out of reach are nobody's outage, one is its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from milkrun.client import Client, Descriptors
from milkrun.clock import SystemClock
from milkrun.config.settings import NetworkSettings, Sentinel
from milkrun.core.endpoint import Registered
from milkrun.core.incident import Incident, Kind
from milkrun.core.outcome import Outcome
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.reaching import reach
from milkrun.monitor.route import Stop
from milkrun.monitor.runner import Runner
from milkrun.monitor.timeline import Timeline
from milkrun.probes.http import HttpOptions
from milkrun.probes.registry import probe_makers
from tests.support.guarded import Guarded
from tests.support.peers import closed_port
from tests.support.rounds import an_endpoint, registered
from tests.support.scripted import HEAD_END, OK
from tests.support.turns import until

UP, DOWN, UNKNOWN = Outcome.UP, Outcome.DOWN, Outcome.UNKNOWN


class Host:
    """A web server on an address and port of its own, which may go and come back."""

    def __init__(self, address: str) -> None:
        self.address = address
        with socket.create_server((address, 0)) as listener:
            self.port = listener.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.StreamWriter] = set()

    async def come(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.address, self.port)

    async def go(self) -> None:
        if self._server is not None:
            self._server.close()
            for peer in self._peers:
                peer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        try:
            while await reader.readuntil(HEAD_END):
                writer.write(OK)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._peers.discard(writer)
            writer.close()


class World:
    """Hosts, one endpoint each, checked by hand on one client behind the guard."""

    def __init__(self, client: Client, hosts: Iterable[Host], settings: NetworkSettings) -> None:
        clock = SystemClock()
        lag = LagMeter(clock)
        maker = probe_makers(client, clock=clock, lag_since=lag.since)["http"]
        self.hosts = list(hosts)
        self.line = Guarded(0, reach=reach, settings=settings, clock=clock)
        self.runner = Runner(clock=clock, timeline=Timeline(clock), recorder=self.line.guard, location="local")
        self.stops = [Stop(who, maker(who.endpoint)) for who in map(self._registered, range(len(self.hosts)))]
        self.line.guard.watch([stop.registered for stop in self.stops], self.line.slot)

    def _registered(self, place: int) -> Registered:
        host = self.hosts[place]
        url = f"http://{host.address}:{host.port}/"
        endpoint = msgspec.structs.replace(
            an_endpoint(f"core_h{place}"), target=url, options=HttpOptions(url=url, fresh=True)
        )
        return registered(endpoint, id=place + 1)

    async def check(self, *places: int) -> list[Outcome]:
        """Check these, one after the other; what came of each, once the guard has let it go."""
        told = len(self.line.outcomes())
        for place in places:
            self.line.slot += 10
            self.runner.start(self.stops[place], self.line.slot)
            await self.runner.idle()
        assert await until(lambda: len(self.line.outcomes()) == told + len(places))
        return [outcome for _, outcome in self.line.outcomes()[told:]]

    def open(self, kind: Kind) -> list[Incident]:
        return [each for each in self.line.incidents().values() if each.kind is kind and each.closed is None]


@asynccontextmanager
async def world(count: int, settings: NetworkSettings) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(descriptors=Descriptors.from_limit(reserve=100)))
        hosts = [Host(f"127.0.0.{number}") for number in range(2, 2 + count)]
        for host in hosts:
            await host.come()
            stack.push_async_callback(host.go)
        made = World(client, hosts, settings)
        async with made.line.asking():
            yield made


async def test_when_every_host_goes_nobody_is_down_and_when_they_are_back_it_is_over() -> None:
    async with world(8, NetworkSettings()) as made:
        assert await made.check(*range(8)) == [UP] * 8
        for host in made.hosts:
            await host.go()
        assert await made.check(*range(8)) == [UNKNOWN] * 8, "the first one as well"
        assert made.open(Kind.OUTAGE) == []
        assert len(made.open(Kind.NETWORK)) == 1
        for host in made.hosts:
            await host.come()
        assert await made.check(*range(8)) == [UP] * 8
        assert made.open(Kind.NETWORK) == []
        assert [message.subject.kind for message in made.line.told() if message.subject.kind is not Kind.NETWORK] == []


async def test_one_host_that_goes_is_its_own_outage_and_is_told_at_once() -> None:
    async with world(8, NetworkSettings(hold=60_000)) as made:
        await made.check(*range(8))
        await made.hosts[3].go()
        assert await made.check(3) == [DOWN], "another host answers, so there is nothing to wait for"
        assert len(made.open(Kind.OUTAGE)) == 1
        assert made.open(Kind.NETWORK) == []


async def test_sentinels_that_are_gone_speak_for_our_network_even_of_one_failure() -> None:
    settings = NetworkSettings(hold=300, sentinels=(Sentinel("127.0.0.1", closed_port()),))
    async with world(4, settings) as made:
        await made.check(*range(4))
        await made.hosts[0].go()
        assert await made.check(0) == [UNKNOWN]
        assert await made.check(1, 2, 3) == [UP, UP, UP], "what answers is up, whoever else cannot be reached"


async def test_a_witness_that_never_answers_is_not_waited_for() -> None:
    assert not await reach("127.0.0.1", closed_port(), 5.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert await reach("127.0.0.1", listener.getsockname()[1], 5.0)
    assert not await reach("192.0.2.1", 9, 0.01)
