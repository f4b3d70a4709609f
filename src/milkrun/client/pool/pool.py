"""The pool: origins in a dict, each with a stack of idle connections, newest on top; O(1) to take and to give back.

Here state changes in plain functions; what must be awaited (a place, a dial) is in `acquire` and `renew`. A place is
taken first at the origin, then in total, then a descriptor, then a handshake: always in this order, so nobody
waits in a circle. **Whatever is opened is counted until its descriptor is closed: opened = open + closed.**

A connection that carries one exchange at a time lies on its origin's stack while it is idle, and is nowhere while it
is in use. One that carries many (HTTP/2) stays listed with its origin for as long as it takes further exchanges.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import cast

from milkrun.client.dial.dialer import Dialer
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.exchange import Exchange, Underway
from milkrun.client.exchange.link import Closed, Link
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.connection import Connection
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.pool.descriptors import Descriptors
from milkrun.client.pool.gate import Gate, Limits
from milkrun.client.pool.lane import Lane
from milkrun.client.pool.learnt import Memory
from milkrun.client.pool.names import Names
from milkrun.client.pool.opening import Opener, Policy
from milkrun.client.pool.warmth import Warmth
from milkrun.client.request import PreparedRequest
from milkrun.client.stats import OriginStats, by_origin

_ACCEPTED = frozenset({"tls", "wait"})  # where a dial can fail after its connection stood
_BRIEFLY = 1.0  # seconds to wait for another's connection that may be shared, before opening one's own
CLOSED = "the client is closed; send requests before it is, or make another"


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
        self._limits = limits
        self._policy = policy
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._memory = Memory()
        self._connections: set[Link] = set()
        self._ending: set[Link] = set()  # closed, and their descriptors soon to be
        self._warmth = Warmth(descriptors, self._idling)
        self.total = Gate(limits.total, f"one of the {limits.total} requests allowed at once")  # all of them pass it
        self._at_origin = f"one of the {limits.per_origin} connections allowed to this origin"
        self._resolve = dialer.resolve
        self._opener = Opener(
            dialer=dialer,
            descriptors=descriptors,
            handshakes=limits.handshakes,
            policy=policy,
            clock=clock,
            make_way=self._evict,
        )
        self._room = self._opener.room
        self._deadlines: Deadlines | None = None  # until it belongs to a loop
        self._names: Names[Link]
        self._closed = False
        self.idle = 0  # connections that are warm and wait for a request
        self.opened = 0
        self.closed: Counter[Closed] = Counter()

    def __repr__(self) -> str:
        return f"<Pool: {self.open} open to {self.origins} origins, {self.idle} idle, {self.queued} waiting>"

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to this event loop from now on."""
        self._loop = loop
        self._deadlines = Deadlines(loop, self._clock)
        self._opener.bind(loop, self._deadlines)
        self._names = Names(self._resolve, on_left=self.left, deadlines=self._deadlines, clock=self._clock)

    def take(self, request: PreparedRequest, now: float) -> Connection | None:
        """A warm connection, if there is one and no limit is reached; else None: `acquire` then."""
        lane = self._lanes.get(request.key)
        if lane is None or request.special:
            return None
        total = self.total
        if lane.used >= lane.limit or total.used >= total.limit:
            return None
        connection = self._pop(lane, request, now)
        if connection is not None:
            lane.used += 1
            total.used += 1
        return connection

    async def acquire(self, request: PreparedRequest, trip: Trip) -> Exchange:
        """A connection, warm or new, or a part of a shared one, once every limit allows it."""
        lane = self._lanes.get(request.key)
        if lane is None:
            learnt = self._memory.of(request.key)
            lane = self._lanes[request.key] = Lane(request.key, self._limits.per_origin, self._at_origin, learnt)
        await self._enter(lane, trip)
        try:
            if request.fresh:
                return await self._open(lane, request, trip)
            return self._pop(lane, request, self._clock()) or await self._obtain(lane, request, trip)
        except BaseException:
            self._leave(lane)
            raise

    async def renew(self, request: PreparedRequest, trip: Trip) -> Exchange:
        """A new connection, in the place of one just abandoned, or a part of another shared one."""
        lane = self._lanes[request.key]
        try:
            return await self._obtain(lane, request, trip)
        except BaseException:
            self._leave(lane)
            raise

    def put_back(self, connection: Connection, request: PreparedRequest, now: float, *, keep: bool) -> None:
        """The exchange is over: keep the connection warm, or close it."""
        lane = self._lanes[request.key]
        reason = connection.ended
        # Nearly always nothing stands against it; a fresh one has been used once.
        if not (keep and 1 < connection.uses < request.max_uses and not self._room.waiters) and reason is None:
            reason = self._verdict(connection, request, now, keep=keep)
        if reason is not None:
            connection.close(reason)
            self._leave(lane)
            return
        connection.below, lane.top = lane.top, connection
        self.idle += 1
        connection.rest(now, request.max_age)
        total = self.total
        if lane.waiters or total.waiters:
            self._leave(lane)
        else:  # the same without three calls
            lane.used -= 1
            total.used -= 1

    def leave(self, request: PreparedRequest) -> None:
        """The exchange is over, and its connection was abandoned, or carries others: give its place up."""
        self._leave(self._lanes[request.key])

    def was_stale(self, request: PreparedRequest, exchange: Underway) -> None:
        """The connection of this exchange was found dead, after it had been idle."""
        self._lanes[request.key].learnt.was_stale(exchange.gap, exchange.survived, self._clock())

    def left(self, connection: Link) -> None:
        """Its name does not lead to its peer any more: carry nothing new on it."""
        connection.disown()
        if connection.is_idle or connection.shared:
            self._retire(connection, Closed.NAME)

    def expired(self, connection: Link, now: float) -> None:
        """As `Owner` has it."""
        self._retire(connection, connection.why_expired(now))

    def ending(self, connection: Link) -> None:
        """As `Owner` has it."""
        self._ending.add(connection)

    def spoilt(self, connection: Link, reason: Closed) -> None:
        """As `Owner` has it."""
        if reason is Closed.SERVER and connection.is_idle:
            now = self._clock()
            self._lanes[connection.key].learnt.closed_idle(now - connection.returned, connection.gap, now)
        self._retire(connection, reason)

    def settled(self, connection: Link) -> None:
        """As `Owner` has it."""
        self._lanes[connection.key].settle()

    def vacated(self, connection: Link) -> None:
        """As `Owner` has it."""
        now = self._clock()
        if connection not in (self._lanes[connection.key].shared or ()):
            connection.close(Closed.FRESH)  # it was one request's alone
        elif self._is_surplus(connection, now):
            self._retire(connection, Closed.BUDGET)
        else:
            self.idle += 1
            connection.rest(now, None)

    def lost(self, connection: Link) -> None:
        """As `Owner` has it."""
        self._unlist(connection)
        self._connections.remove(connection)
        self._names.unwatch(connection)
        self._ending.discard(connection)
        self.closed[connection.ended or Closed.SERVER] += 1
        lane = self._lanes[connection.key]
        lane.open -= 1
        lane.learnt.lost(connection.uses)
        self._prune(lane)
        self._opener.release()

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
        return self._opener.waiting

    def census(self) -> dict[str, OriginStats]:
        """The connections, and what is remembered of those that are no more, by origin. Any thread may ask."""
        learnt = self._memory.everything() | {lane.key: lane.learnt for lane in tuple(self._lanes.values())}
        return by_origin(learnt, tuple(self._connections), self._clock())

    async def close(self, error: Exception) -> None:
        """Close everything; who waits or is under way gets the error. Returns once every descriptor is closed."""
        self._closed = True
        if self._deadlines is None:  # it was never used
            return
        self.total.turn_away(error)
        for lane in self._lanes.values():
            lane.turn_away(error)
            lane.settle()
        self._opener.turn_away(error)
        for connection in tuple(self._connections):
            if connection.is_idle or connection.ended is not None:
                self._retire(connection, Closed.CLIENT)
            else:
                connection.dismiss(error)
        self._deadlines.close()
        await self._opener.emptied()
        await self._names.close()

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

    async def _obtain(self, lane: Lane, request: PreparedRequest, trip: Trip) -> Exchange:
        """Part of a shared connection, of one that somebody is opening if need be, or a connection newly opened."""
        exchange = self._join(lane, request)
        now = self._clock()
        # Who has little time waits for half of it: what is left is to show in which phase the target hangs.
        until = now + min(_BRIEFLY, (trip.until("queue", now) - now) / 2)
        while exchange is None and lane.opening is not None and (left := until - self._clock()) > 0:
            await self._opener.wait_for(lane.opening, left, trip)
            exchange = self._join(lane, request) or self._pop(lane, request, self._clock())
        return exchange or await self._open(lane, request, trip)

    def _join(self, lane: Lane, request: PreparedRequest) -> Exchange | None:
        for connection in reversed(lane.shared or ()):
            reason = connection.why_spent(request.max_age, request.max_uses, self._clock())
            if reason is not None:
                self._retire(connection, reason)
            elif connection.room > 0:
                if connection.is_idle:
                    connection.is_idle = False
                    self.idle -= 1
                return connection.join()
        return None

    def _verdict(self, connection: Connection, request: PreparedRequest, now: float, *, keep: bool) -> Closed | None:
        if request.fresh:
            return Closed.FRESH
        if not keep:
            return Closed.NOT_KEPT
        if connection.uses >= request.max_uses:
            return Closed.MAX_USES
        if self._is_surplus(connection, now):
            return Closed.BUDGET
        return None

    def _is_surplus(self, connection: Link, now: float) -> bool:
        """Whether the budget is needed by those who wait, or by connections that were warm before this one."""
        if self._room.waiters and self._room.waiting:
            return True
        if not self._warmth.is_beyond(connection):
            return False
        overdue = self._warmth.overdue(now)
        if overdue is not None:
            self._retire(overdue, Closed.BUDGET)
        return overdue is None

    def _retire(self, connection: Link, reason: Closed) -> None:
        self._unlist(connection)
        connection.close(reason)

    def _unlist(self, connection: Link) -> None:
        if connection.is_idle:
            self.idle -= 1
        if connection.shared:
            self._lanes[connection.key].unshare(connection)
        elif connection.is_idle:
            self._lanes[connection.key].unstack(cast("Connection", connection))

    def _idling(self) -> Iterator[Link]:
        """The idle connections, those of the newest origin first: whoever gives way to it, old ones stay warm."""
        return chain.from_iterable(reversed(self._lanes.values()))

    async def _enter(self, lane: Lane, trip: Trip) -> None:
        entered = False
        try:
            await self._opener.wait_at(lane, trip)
            entered = True
            await self._opener.wait_at(self.total, trip)
        except BaseException:
            if entered:
                lane.leave()
            self._prune(lane)  # its last place may have come with a cancellation, and been given up at the gate
            raise

    def _leave(self, lane: Lane) -> None:
        lane.leave()
        self.total.leave()
        if not lane.open:
            self._prune(lane)

    def _prune(self, lane: Lane) -> None:
        if not lane.open and not lane.used and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]

    async def _open(self, lane: Lane, request: PreparedRequest, trip: Trip) -> Exchange:
        leads = request.may_share and not request.fresh and not lane.learnt.single and lane.opening is None
        if leads:
            lane.opening = self._loop.create_future()
        try:
            connection = await self._opener.open(request, trip)
        except BaseException as err:
            if isinstance(err, RequestError) and (err.layer in _ACCEPTED or err.connection is not None):
                self.opened += 1
                lane.learnt.opened += 1
                lane.learnt.lost(0)
                self.closed[Closed.FAILED] += 1
            if leads:
                lane.settle()
            raise
        self._adopt(connection, lane, request)
        if isinstance(connection, Http2Connection):
            return self._share(connection, lane, request)
        lane.learnt.single = request.may_share
        lane.settle()
        return cast("Connection", connection)

    def _share(self, connection: Http2Connection, lane: Lane, request: PreparedRequest) -> Exchange:
        exchange = connection.join()
        if not request.fresh:  # of which nobody else may have a part
            lane.shared = [*(lane.shared or ()), connection]
            lane.learnt.single = False
        if connection.is_settled:  # else its server still has to say how many it carries
            lane.settle()
        return exchange

    def _adopt(self, connection: Link, lane: Lane, request: PreparedRequest) -> None:
        connection.key = lane.key
        connection.owner = self
        connection.patience = lane.learnt.patience(self._policy.idle_expiry, self._clock())
        self._connections.add(connection)
        self.opened += 1
        lane.open += 1
        lane.learnt.opened += 1
        self._names.watch(connection, request.url.origin, request.options.route, connection.address)
        if connection.ended is not None:
            self._ending.add(connection)
        if connection.lost:  # by the time the dialler's task came to run
            self.lost(connection)
        elif self._closed:
            connection.close(Closed.CLIENT)
            raise UsageError(CLOSED)

    def _evict(self) -> None:
        if len(self._ending) > self._room.waiting:
            return  # one that is closing already makes room
        victim = self._warmth.overdue(self._clock()) or next(self._idling(), None)
        if victim is not None:
            self._unlist(victim)
            victim.abandon(Closed.BUDGET)
