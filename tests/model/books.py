"""What must be true of a pool at any moment, and what when nothing moves any more."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from milkrun.client.exchange.deadlines import QUANTUM
from milkrun.client.exchange.link import Link
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.pool.gate import Gate
from milkrun.client.pool.pool import Pool
from tests.model.world import LIMITS, World
from tests.support.accounts import balanced


class Books:
    """Looks at a world's pool after each step, and remembers who waited before it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queues: dict[Gate, list[asyncio.Future[None]]] = {}

    def audit(self) -> None:
        """What holds at any moment."""
        self._world.client.stats()
        assert balanced(self._world.client)
        complaints = list(self._world.complaints)
        assert not complaints, complaints
        self._audit_places()
        self._audit_limits()
        self._audit_queues()
        self._audit_deadlines()
        self._audit_outcomes()

    def audit_rest(self) -> None:
        """What holds once nothing moves any more, if names are answered: whoever waits, waits for a rule."""
        world, pool = self._world, self._pool
        assert world.sockets == pool.open
        assert pool._opener.held == self._own_descriptors
        if not world.names.open.is_set():
            return
        waiting = {gate: gate.waiting for gate in self._gates()}
        if not waiting[pool._room]:
            assert pool._opener._handshakes.used == 0
            assert all(lane.opening is None for lane in pool._lanes.values())
            assert pool.queued == sum(waiting.values())
        asked = len(world.streams) + sum(puppet.path is not None for puppet in world.puppets)
        assert pool.total.used == asked + waiting[pool._room]
        assert self._at_once() <= LIMITS.per_origin
        if not world.under_way():
            assert pool.total.used == 0
            assert pool.open == pool.idle == self._own_descriptors

    @property
    def _pool(self) -> Pool:
        return self._world.client._pool

    @property
    def _own_descriptors(self) -> int:
        return self._world.descriptors.used - self._world.others

    def _gates(self) -> list[Gate]:
        pool = self._pool
        return [pool.total, pool._room, pool._opener._handshakes, *pool._lanes.values()]

    def _audit_places(self) -> None:
        pool = self._pool
        places = Counter(_places(pool))
        assert all(count == 1 for count in places.values())
        assert set(places) <= pool._connections
        assert all(connection.ended is None or _offers_nothing(connection) for connection in places)
        assert all(connection.is_idle for connection in places if not connection.shared)
        assert all(connection in places for connection in pool._connections if connection.is_idle)
        assert pool._ending == {connection for connection in pool._connections if connection.ended is not None}
        assert not any(connection.lost for connection in pool._connections)

    def _audit_limits(self) -> None:
        pool, opener = self._pool, self._pool._opener
        assert pool.total.used <= LIMITS.total
        assert opener._handshakes.used <= LIMITS.handshakes
        assert self._world.descriptors.used <= self._world.descriptors.budget
        assert pool.open <= opener.held <= self._own_descriptors  # one handed to a waiter is held once that has run
        for key, lane in pool._lanes.items():
            assert key == lane.key
            assert 0 <= lane.used <= LIMITS.per_origin
            assert lane.open == sum(connection.key == key for connection in pool._connections)
            assert lane.open or lane.used
        assert {connection.key for connection in pool._connections} <= set(pool._lanes)

    def _audit_queues(self) -> None:
        for gate, before in self._queues.items():
            assert _is_in_order(before), f"somebody was overtaken who waited for {gate.name}"
        self._queues = {gate: list(gate.waiters or ()) for gate in self._gates()}
        for gate in self._gates():
            assert gate.used == gate.limit or gate is self._pool._room or not gate.waiting

    def _audit_deadlines(self) -> None:
        deadlines = self._pool._deadlines
        if deadlines is None:
            return
        for connection in self._pool._connections:
            if connection.ended is None and connection.due < float("inf"):
                assert connection.watched <= connection.due + QUANTUM
                assert connection in deadlines._buckets[connection.watched]
        assert sorted(deadlines._times) == sorted(deadlines._buckets)

    def _audit_outcomes(self) -> None:
        for call in self._world.calls:
            if call.task.done():
                fault = call.fault(closed=self._world.client._closed)
                assert fault is None, fault
        self._world.calls = self._world.under_way()

    def _at_once(self) -> int:
        """The most requests that one origin has to answer now, by what the servers see."""
        world = self._world
        asked = Counter(stream.header(b":authority") for stream in world.streams)
        asked.update(puppet.host for puppet in world.puppets if puppet.path is not None)
        return max(asked.values(), default=0)


def _places(pool: Pool) -> Iterator[Link]:
    """Where connections lie for the next request to take."""
    for lane in pool._lanes.values():
        connection = lane.top
        while connection is not None:
            yield connection
            connection = connection.below
        yield from lane.shared or ()


def _offers_nothing(connection: Link) -> bool:
    """A shared connection that the server ended stays listed until its loss is told, a turn of the loop later."""
    return isinstance(connection, Http2Connection) and connection.room == 0


def _is_in_order(queue: list[asyncio.Future[None]]) -> bool:
    """Whether nobody was let in behind one who waits on."""
    waits_on = False
    for waiter in queue:
        if not waiter.done():
            waits_on = True
        elif waits_on and not waiter.cancelled() and waiter.exception() is None:
            return False
    return True
