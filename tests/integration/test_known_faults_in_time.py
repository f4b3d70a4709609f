"""Faults that other clients show only as time passes: on real sockets, by a clock that tests put forward."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from milkrun.client import Client, RequestError
from milkrun.client.resolve.resolver import Answer
from tests.support.scripted import OK, Peer, Script, Scripted, answers, hangs_up_once, scripted, silence
from tests.support.stepping import SteppedLoop

FOR_EVER = 1e6  # seconds


class Moving:
    """A Resolver by which every name leads to `address`, for a minute."""

    address = "127.0.0.1"

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:  # noqa: ARG002  # as `Resolver` has it
        return Answer(addresses=((socket.AF_INET, self.address),), ttl=60, cached=False)

    async def close(self) -> None:
        """Nothing is open."""


class Scene:
    """A server, a client, and time at hand."""

    def __init__(self, loop: SteppedLoop) -> None:
        self.loop = loop
        self.names = Moving()
        self._stack = AsyncExitStack()

    def server(self, script: Script) -> Scripted:
        """One at every address of the loopback network."""
        return self.loop.finish(self._stack.enter_async_context(scripted(script, host="0.0.0.0")))  # noqa: S104

    def client(self, *, max_age: float = 300.0, idle_expiry: float = 120.0) -> Client:
        """One that lives by the loop's time."""
        made = Client(clock=self.loop.time, resolver=self.names, max_age=max_age, idle_expiry=idle_expiry)
        return self.loop.finish(self._stack.enter_async_context(made))

    def wait(self, seconds: float) -> None:
        """Let time pass, and all happen that is due."""
        self.loop.moment += seconds
        self.loop.settle()

    def end(self) -> None:
        """Leave nothing open."""
        self.loop.finish(self._stack.aclose())


@pytest.fixture
def scene() -> Iterator[Scene]:
    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SteppedLoop)
        made = Scene(loop)
        yield made
        made.end()


def test_a_request_that_names_no_timeout_has_one(scene: Scene) -> None:
    server, client = scene.server(silence), scene.client()
    request = scene.loop.create_task(client.get(server.url))
    scene.wait(0)
    scene.wait(9)
    assert not request.done()
    scene.wait(2)
    error = request.exception()
    assert isinstance(error, RequestError)
    assert (error.layer, error.kind) == ("wait", "timeout")


@pytest.mark.parametrize("every", [5.0, 60.0])
def test_a_connection_in_steady_use_grows_no_older_than_it_may(scene: Scene, every: float) -> None:
    server, client = scene.server(answers(OK)), scene.client()
    for _ in range(int(1_500 / every)):
        scene.loop.finish(client.get(server.url))
        scene.wait(every)
    assert 5 <= len(server.peers) <= 6  # five minutes each, less up to a tenth
    assert set(client.stats()["closed_total"]) == {"max-age"}


def test_a_connection_in_steady_use_follows_its_name_elsewhere(scene: Scene) -> None:
    server, client = scene.server(answers(OK)), scene.client(max_age=FOR_EVER, idle_expiry=FOR_EVER)
    url = f"http://moves.test:{server.port}/"
    seen = []
    for minute in range(10):
        scene.names.address = "127.0.0.1" if minute < 3 else "127.0.0.2"
        response = scene.loop.finish(client.get(url))
        seen.append(response.connection.address)
        scene.wait(75)
    assert seen[:4] == ["127.0.0.1"] * 4
    assert seen[-3:] == ["127.0.0.2"] * 3
    assert client.stats()["closed_total"] == {"name": 1}


def test_a_server_that_closes_idle_connections_is_not_met_at_the_moment_it_does(scene: Scene) -> None:
    async def script(peer: Peer) -> None:
        try:
            while await asyncio.wait_for(peer.request(), 5):
                await peer.say(OK)
        except TimeoutError:
            return

    server, client = scene.server(script), scene.client()
    for _ in range(3):
        scene.loop.finish(client.get(server.url))
        scene.wait(4.5)
        scene.wait(5.5)
    # Twice it closed after five seconds; then we do, a second before.
    assert client.stats()["closed_total"] == {"server": 2, "idle": 1}


def test_a_connection_found_dead_is_given_up_sooner_the_next_time(scene: Scene) -> None:
    server, client = scene.server(hangs_up_once()), scene.client()
    responses = [scene.loop.finish(client.get(server.url))]
    for _ in range(2):
        scene.wait(10)
        responses.append(scene.loop.finish(client.get(server.url)))
    assert [response.stale_retry for response in responses] == [False, True, False]
    assert [response.connection.reused for response in responses] == [False, False, False]
    assert client.stats()["closed_total"] == {"failed": 1, "idle": 1}
