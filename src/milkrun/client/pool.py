"""The pool: origins in a dict, each with a stack of idle connections, newest on top; O(1) to take and to give back.

Here state changes in plain functions; what must be awaited (a place, a dial) is in `acquire` and `renew`. A place is
taken first at the origin, then in total, then a descriptor, then a handshake: always in this order, so nobody
waits in a circle. **Whatever is opened is counted until its descriptor is closed: opened = open + closed.**
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import cast

import msgspec

from milkrun.client.connection import Connection
from milkrun.client.deadlines import Deadlines
from milkrun.client.descriptors import Descriptors
from milkrun.client.dial import Dialer, Dialled
from milkrun.client.errors import OwnError, RequestError, UsageError
from milkrun.client.gate import Doorkeeper, Gate
from milkrun.client.lane import Lane
from milkrun.client.link import Closed
from milkrun.client.request import PreparedRequest
from milkrun.client.trip import Trip
from milkrun.client.warmth import Overdue, warm_part

_JITTER = 0.1
_ACCEPTED = frozenset({"tls", "wait"})  # where a dial can fail after its connection stood
CLOSED = "the client is closed; send requests before it is, or make another"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much happens at once; the rest waits its turn, and the wait is `queue` time.

    Attributes:
        total: requests in flight.
        per_origin: requests in flight to one origin.
        handshakes: connections being opened.
    """

    total: int = 1000
    per_origin: int = 100
    handshakes: int = 100


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long connections live: seconds; `max_age` is jittered by up to a tenth less."""

    max_age: float = 300.0
    idle_expiry: float = 120.0
    max_head: int = 64 * 1024


class Pool:
    """Every connection of one client.

    Args:
        dialer: opens connections.
        descriptors: the process's budget.
        clock: monotonic seconds, on the event loop's own scale.
    """

    def __init__(
        self, *, dialer: Dialer, limits: Limits, policy: Policy, descriptors: Descriptors, clock: Callable[[], float]
    ) -> None:
        self._dialer = dialer
        self._limits = limits
        self._policy = policy
        self._descriptors = descriptors
        self._warm_part = warm_part(descriptors.budget)
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._connections: set[Connection] = set()
        self._ending: set[Connection] = set()  # closed, and their descriptors soon to be
        self._overdue = Overdue()
        self._total = Gate(limits.total, f"one of the {limits.total} requests allowed at once")
        self._room = Doorkeeper(descriptors, f"one of the {descriptors.budget} descriptors in the budget")
        self._handshakes = Gate(limits.handshakes, f"one of the {limits.handshakes} handshakes allowed at once")
        self._at_origin = f"one of the {limits.per_origin} connections allowed to this origin"
        self._queued = 0  # requests that wait at any gate
        self._held = 0  # descriptors: of open connections and of dials
        self._deadlines: Deadlines | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._closed = False
        self.idle = 0  # connections that are warm and wait for a request
        self.opened = 0
        self.closed: Counter[Closed] = Counter()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to this event loop from now on."""
        self._loop = loop
        self._deadlines = Deadlines(loop, self._clock)

    def take(self, request: PreparedRequest, now: float) -> Connection | None:
        """A warm connection, if there is one and no limit is reached; else None: `acquire` then."""
        lane = self._lanes.get(request.key)
        if lane is None or request.fresh:
            return None
        total = self._total
        if lane.used >= lane.limit or total.used >= total.limit:
            return None
        connection = self._pop(lane, request, now)
        if connection is not None:
            lane.used += 1
            total.used += 1
        return connection

    async def acquire(self, request: PreparedRequest, trip: Trip) -> Connection:
        """A connection, warm or new, once every limit allows it."""
        lane = self._lanes.get(request.key)
        if lane is None:
            lane = self._lanes[request.key] = Lane(request.key, self._limits.per_origin, self._at_origin)
        await self._enter(lane, trip)
        try:
            connection = None if request.fresh else self._pop(lane, request, self._clock())
            return connection or await self._open(lane, request, trip)
        except BaseException:
            self._leave(lane)
            raise

    async def renew(self, request: PreparedRequest, trip: Trip) -> Connection:
        """A new connection, in the place of one just abandoned."""
        lane = self._lanes[request.key]
        try:
            return await self._open(lane, request, trip)
        except BaseException:
            self._leave(lane)
            raise

    def put_back(self, connection: Connection, request: PreparedRequest, now: float, *, keep: bool) -> None:
        """The exchange is over: keep the connection warm, or close it."""
        lane = self._lanes[request.key]
        reason = connection.ended or self._verdict(connection, request, now, keep=keep)
        if reason is None:
            connection.below, lane.top = lane.top, connection
            self.idle += 1
            connection.rest(now, request.max_age)
        else:
            connection.close(reason)
        self._leave(lane)

    def leave(self, request: PreparedRequest) -> None:
        """The exchange failed and its connection was abandoned: give its place up."""
        self._leave(self._lanes[request.key])

    def expired(self, connection: Connection, now: float) -> None:
        """As `Owner` has it."""
        is_idle = now - connection.returned >= connection.patience
        self._retire(connection, Closed.IDLE if is_idle else Closed.MAX_AGE)

    def ending(self, connection: Connection) -> None:
        """As `Owner` has it."""
        self._ending.add(connection)

    def spoilt(self, connection: Connection, reason: Closed) -> None:
        """As `Owner` has it."""
        self._retire(connection, reason)

    def lost(self, connection: Connection) -> None:
        """As `Owner` has it."""
        self._unlist(connection)
        self._connections.remove(connection)
        self._ending.discard(connection)
        self.closed[connection.ended or Closed.SERVER] += 1
        lane = self._lanes[connection.key]
        lane.open -= 1
        self._prune(lane)
        self._release()
        if self._emptied is not None and not self._connections and not self._emptied.done():
            self._emptied.set_result(None)

    @property
    def origins(self) -> int:
        """How many origins have a connection, or a request under way."""
        return len(self._lanes)

    @property
    def open(self) -> int:
        """How many connections have a descriptor, those being closed included."""
        return len(self._connections)

    @property
    def in_use(self) -> int:
        """How many connections carry an exchange."""
        return len(self._connections) - len(self._ending) - self.idle

    @property
    def queued(self) -> int:
        """How many requests wait for a limit."""
        return self._queued

    async def close(self, error: Exception) -> None:
        """Close everything; who waits or is under way gets the error. Returns once every descriptor is closed."""
        self._closed = True
        for gate in (self._total, self._room, self._handshakes, *self._lanes.values()):
            gate.turn_away(error)
        for connection in tuple(self._connections):
            if connection.answer is None:
                self._retire(connection, Closed.CLIENT)
            else:
                connection.dismiss(error)
        if self._deadlines is not None:
            self._deadlines.close()
        if self._connections:
            self._emptied = self._loop.create_future()
            await self._emptied

    def _pop(self, lane: Lane, request: PreparedRequest, now: float) -> Connection | None:
        max_age = request.max_age
        while (connection := lane.top) is not None:
            if now >= connection.due:
                self.expired(connection, now)
            elif max_age is not None and now >= connection.created + max_age * connection.jitter:
                self._retire(connection, Closed.MAX_AGE)
            else:
                lane.top, connection.below = connection.below, None
                connection.is_idle = False
                self.idle -= 1
                return connection
        return None

    def _verdict(self, connection: Connection, request: PreparedRequest, now: float, *, keep: bool) -> Closed | None:
        if request.fresh:
            return Closed.FRESH
        if not keep:
            return Closed.NOT_KEPT
        if self._room.waiters and self._room.waiting:
            return Closed.BUDGET
        if connection.uses == 1 and self._descriptors.used > self._warm_part and not self._make_way(now):
            return Closed.BUDGET
        return None

    def _make_way(self, now: float) -> bool:
        overdue = self._overdue.pop(self._idling(), now)
        if overdue is not None:
            self._retire(overdue, Closed.BUDGET)
        return overdue is not None

    def _retire(self, connection: Connection, reason: Closed) -> None:
        self._unlist(connection)
        connection.close(reason)

    def _unlist(self, connection: Connection) -> None:
        if connection.is_idle:
            self._lanes[connection.key].remove(connection)
            self.idle -= 1

    def _idling(self) -> Iterator[Connection]:
        """The idle connections, those of the newest origin first: whoever gives way to it, old ones stay warm."""
        return chain.from_iterable(reversed(self._lanes.values()))

    async def _enter(self, lane: Lane, trip: Trip) -> None:
        await self._wait_at(lane, trip)
        try:
            await self._wait_at(self._total, trip)
        except BaseException:
            lane.leave()
            self._prune(lane)
            raise

    def _leave(self, lane: Lane) -> None:
        if lane.waiters or self._total.waiters:
            lane.leave()
            self._total.leave()
        else:  # the same without four calls
            lane.used -= 1
            self._total.used -= 1
        if not lane.open:
            self._prune(lane)

    def _prune(self, lane: Lane) -> None:
        if not lane.open and not lane.used:
            del self._lanes[lane.key]

    async def _wait_at(self, gate: Gate, trip: Trip) -> None:
        if gate.try_enter():
            return
        started = self._clock()
        self._queued += 1
        try:
            await gate.wait(trip.deadline - started)
        finally:
            self._queued -= 1
            trip.timings.queue += self._clock() - started

    async def _open(self, lane: Lane, request: PreparedRequest, trip: Trip) -> Connection:
        await self._find_room(trip)
        self._held += 1
        try:
            await self._wait_at(self._handshakes, trip)
            try:
                dialled = await self._dial(request, trip)
            finally:
                self._handshakes.leave()
        except BaseException:
            self._release()
            raise
        connection = dialled.protocol
        connection.peer, connection.address, connection.tls = dialled.peer, dialled.address, dialled.tls
        self._adopt(connection, lane)
        return connection

    async def _dial(self, request: PreparedRequest, trip: Trip) -> Dialled[Connection]:
        options = request.options
        try:
            return await self._dialer.dial(
                request.url.origin,
                lambda _: self._make(),
                tls=options.tls,
                deadline=trip.deadline,
                timings=trip.timings,
                fresh_dns=options.fresh,
            )
        except RequestError as err:
            if err.layer in _ACCEPTED:  # by the server, so there was a connection to account for
                self.opened += 1
                self.closed[Closed.FAILED] += 1
            raise

    async def _find_room(self, trip: Trip) -> None:
        if self._room.try_enter():
            return
        if not self._held:
            raise OwnError("descriptors", "the descriptor budget is used up by others", phase="queue")
        if len(self._ending) <= self._room.waiting:  # else one that is closing already makes room for this request
            self._evict()
        await self._wait_at(self._room, trip)

    def _evict(self) -> None:
        victim = self._overdue.pop(self._idling(), self._clock()) or next(self._idling(), None)
        if victim is not None:
            self._unlist(victim)
            victim.abandon(Closed.BUDGET)

    def _release(self) -> None:
        self._held -= 1
        self._room.leave()

    def _make(self) -> Connection:
        return Connection(
            loop=self._loop,
            deadlines=cast("Deadlines", self._deadlines),
            clock=self._clock,
            max_head=self._policy.max_head,
            patience=self._policy.idle_expiry,
            jitter=1.0 - _JITTER * random.random(),  # noqa: S311  # spreads closes, hides nothing
        )

    def _adopt(self, connection: Connection, lane: Lane) -> None:
        connection.key = lane.key
        connection.owner = self
        connection.retires = connection.created + self._policy.max_age * connection.jitter
        self._connections.add(connection)
        self.opened += 1
        lane.open += 1
        if connection.ended is not None:
            self._ending.add(connection)
        if connection.lost:  # by the time the dialler's task came to run
            self.lost(connection)
        elif self._closed:
            connection.close(Closed.CLIENT)
            raise UsageError(CLOSED)
