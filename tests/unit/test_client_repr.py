"""How things show themselves to a person who looks for a fault: one line, what they do, and nothing secret."""

import asyncio
import math
from collections.abc import Callable

import pytest

from milkrun.client import Client, Descriptors, Event, RequestError, Step
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed, Link
from milkrun.client.http1.connection import Connection
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.pool.gate import Doorkeeper, Gate
from milkrun.client.pool.lane import Lane
from milkrun.client.pool.learnt import Learnt

KEY = "https://here.test ca=/secret/place from=10.0.0.1"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def link(kind: type[Link], clock: Clock) -> Link:
    loop = asyncio.get_running_loop()
    made: Link = kind(  # type: ignore[call-arg]  # both kinds take it
        loop=loop, deadlines=Deadlines(loop, clock), clock=clock, patience=60, jitter=1, max_head=1000
    )
    made.key, made.peer, made.uses = KEY, "10.9.8.7:443", 3
    clock.now += 12.34
    return made


def rest(link: Link) -> None:
    link.is_idle, link.returned = True, 110.0


def close(link: Link) -> None:
    link.ended = Closed.MAX_AGE


def lose(link: Link) -> None:
    close(link)
    link.lost = True


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (lambda _: None, "in use"),
        (rest, "idle for 2.3 s"),
        (close, "closing (max-age)"),
        (lose, "closed (max-age)"),
    ],
)
async def test_a_connection_says_where_it_leads_what_it_does_how_old_and_how_used_it_is(
    happens: Callable[[Link], None], state: str
) -> None:
    connection = link(Connection, Clock())
    happens(connection)
    assert repr(connection) == f"<Connection to https://here.test (10.9.8.7:443): {state}, 12.3 s old, 3 uses>"


async def test_a_shared_connection_says_how_many_it_carries_and_each_stream_which_one_it_is() -> None:
    connection = link(Http2Connection, Clock())
    assert isinstance(connection, Http2Connection)
    stream = connection.join()
    shown = "<Http2Connection to https://here.test (10.9.8.7:443): 1 of 1 streams, 12.3 s old, 3 uses>"
    assert repr(connection) == shown
    assert repr(stream) == f"<Http2Stream 0: not begun, on {shown}>"
    rest(connection)
    assert "idle for 2.3 s" in repr(connection)


async def test_a_connection_that_nobody_owns_yet_says_so() -> None:
    connection = link(Connection, Clock())
    connection.key, connection.peer = "", None
    assert repr(connection) == "<Connection to nowhere (None): in use, 12.3 s old, 3 uses>"


def test_an_origin_says_how_many_connections_it_has() -> None:
    lane = Lane(KEY, 10, "one of the 10 connections allowed to this origin", Learnt())
    lane.open = 2
    assert lane.try_enter()
    assert repr(lane) == "<Lane https://here.test: 2 open, 1 in use, 0 waiting>"


async def test_a_gate_says_how_full_it_is() -> None:
    gate = Gate(1, "one of the 1 requests allowed at once")
    assert gate.try_enter()
    waiting = asyncio.ensure_future(gate.wait(10))
    await asyncio.sleep(0)
    assert repr(gate) == "<Gate to one of the 1 requests allowed at once: 1 taken, 1 waiting>"
    waiting.cancel()
    budget = Descriptors(5)
    assert budget.acquire()
    assert repr(budget) == "<Descriptors: 1 of 5 used>"
    assert repr(Doorkeeper(budget, "one of 5")) == "<Doorkeeper to one of 5: 0 taken, 0 waiting>"


def test_a_client_that_was_never_used_says_so() -> None:
    assert repr(Client()) == "<Client unused: <Pool: 0 open to 0 origins, 0 idle, 0 waiting>, 0 requests>"


def test_a_body_says_how_much_of_it_waits() -> None:
    inflow = Inflow(lambda _: None)
    inflow.feed(b"four")
    assert repr(inflow) == "<Inflow: open, 4 bytes waiting>"
    inflow.finish((), keep=True)
    assert repr(inflow) == "<Inflow: complete, 4 bytes waiting>"
    broken = Inflow(lambda _: None)
    broken.fail(RequestError("receive", "reset", "the connection was reset"))
    assert repr(broken) == "<Inflow: broken off, 0 bytes waiting>"


def test_an_event_says_which_phase_of_which_request() -> None:
    request = Client().prepare("GET", "http://user:secret@here.test/", headers={"Authorization": "secret"})
    event = Event(id=7, attempt=2, request=request, phase="dns", step=Step.STARTED, at=math.pi)
    assert repr(event) == "<Event 7.2 dns started at 3.141593: <PreparedRequest GET http://here.test/>>"
    failed = Event(id=7, attempt=2, request=request, phase="dns", step=Step.FINISHED, at=3.5, error=TimeoutError())
    assert "dns finished by TimeoutError() at" in repr(failed)
