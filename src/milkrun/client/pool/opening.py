"""New connections: room in the descriptor budget, a turn among the handshakes, the dial; each counted until it ends."""

import asyncio
import random
from collections.abc import Callable

import msgspec

from milkrun.client.dial.dialer import Dialer, Dialled
from milkrun.client.errors import OwnError, RequestError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.link import Link
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.connection import Connection
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.pool.descriptors import Descriptors
from milkrun.client.pool.gate import Doorkeeper, Gate
from milkrun.client.request import PreparedRequest
from milkrun.client.resolve.resolver import Answer

_JITTER = 0.1


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long connections live: seconds; `max_age` is jittered by up to a tenth less. `max_head` in bytes."""

    max_age: float = 300.0
    idle_expiry: float = 120.0
    max_head: int = 64 * 1024


class Opener:
    """Opens connections for a pool, within the budget of descriptors and the limit of handshakes.

    Args:
        make_way: called when the budget is used up: closes something idle if it can.

    Attributes:
        held: descriptors that are held: by open connections and by dials.
        waiting: requests that wait at any gate of the pool.
    """

    def __init__(
        self,
        *,
        dialer: Dialer,
        descriptors: Descriptors,
        handshakes: int,
        policy: Policy,
        clock: Callable[[], float],
        make_way: Callable[[], None],
    ) -> None:
        self._dialer = dialer
        self._policy = policy
        self._clock = clock
        self._make_way = make_way
        self.room = Doorkeeper(descriptors, f"one of the {descriptors.budget} descriptors in the budget")
        self._handshakes = Gate(handshakes, f"one of the {handshakes} handshakes allowed at once")
        self._loop: asyncio.AbstractEventLoop
        self._deadlines: Deadlines
        self._refusal: Exception | None = None
        self._emptied: asyncio.Future[None] | None = None
        self.held = 0
        self.waiting = 0

    def bind(self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines) -> None:
        """Belong to this event loop from now on."""
        self._loop = loop
        self._deadlines = deadlines

    async def open(self, request: PreparedRequest, trip: Trip) -> Link:
        """A new connection, as soon as the limits allow it; whoever gets it releases its descriptor at its end."""
        self._require_open(None)
        await self._find_room(trip)
        self.held += 1
        try:
            answer = await self._look_up(request, trip)  # a hundred names that hang shall not hold up all handshakes
            await self.wait_at(self._handshakes, trip)
            try:
                dialled = await self._dial(request, trip, answer)
            finally:
                self._handshakes.leave()
        except BaseException as err:
            self.release()
            if isinstance(err, RequestError):  # perhaps only because it was given up
                self._require_open(err)
            raise
        connection = dialled.protocol
        connection.peer, connection.address, connection.tls = dialled.peer, dialled.address, dialled.tls
        connection.proxy, connection.beneath = dialled.proxy, dialled.beneath
        connection.retires = connection.created + self._policy.max_age * connection.jitter
        return connection

    async def wait_at(self, gate: Gate, trip: Trip) -> None:
        """Enter a gate, once there is a place; the wait is `queue` time."""
        if gate.try_enter():
            return
        self.waiting += 1
        try:
            with trip.timed("queue", self._clock):
                now = self._clock()
                await gate.wait(trip.until("queue", now) - now)
        finally:
            self.waiting -= 1

    async def wait_for(self, news: asyncio.Future[None], seconds: float, trip: Trip) -> None:
        """Wait for what another request is doing, so long at most; that is `queue` time, too."""
        self.waiting += 1
        try:
            with trip.timed("queue", self._clock):
                await asyncio.wait([news], timeout=seconds)
        finally:
            self.waiting -= 1

    def release(self) -> None:
        """A descriptor is free again."""
        self.held -= 1
        self.room.leave()
        if not self.held and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def turn_away(self, error: Exception) -> None:
        """Let everybody go with an error who waits or dials, and whoever comes later."""
        self._refusal = error
        self.room.turn_away(error)
        self._handshakes.turn_away(error)
        self._dialer.give_up()

    async def emptied(self) -> None:
        """Wait until no descriptor is held any more."""
        if self.held:
            self._emptied = self._loop.create_future()
            await self._emptied

    def _require_open(self, cause: Exception | None) -> None:
        if self._refusal is not None:
            raise self._refusal from cause

    async def _find_room(self, trip: Trip) -> None:
        if self.room.try_enter():
            return
        if not self.held:
            raise OwnError("descriptors", "the descriptor budget is used up by others", phase="queue")
        self._make_way()
        await self.wait_at(self.room, trip)

    async def _look_up(self, request: PreparedRequest, trip: Trip) -> Answer | None:
        options = request.options
        return await self._dialer.look_up(
            request.url.origin,
            options.route,
            deadline=trip.until("connect", self._clock()),
            timings=trip.timings,
            fresh_dns=options.fresh,
            observer=trip if options.hooks else None,
        )

    async def _dial(self, request: PreparedRequest, trip: Trip, answer: Answer | None) -> Dialled[Link]:
        options = request.options

        def make(alpn: str | None) -> Link:
            return self._make(shared=alpn == "h2" or options.http2 == "prior-knowledge")

        return await self._dialer.dial(
            request.url.origin,
            make,
            tls=options.tls,
            route=options.route,
            deadline=trip.until("connect", self._clock()),
            timings=trip.timings,
            fresh_dns=options.fresh,
            answer=answer,
            observer=trip if options.hooks else None,
        )

    def _make(self, *, shared: bool) -> Link:
        kind = Http2Connection if shared else Connection
        return kind(
            loop=self._loop,
            deadlines=self._deadlines,
            clock=self._clock,
            max_head=self._policy.max_head,
            patience=self._policy.idle_expiry,
            jitter=1.0 - _JITTER * random.random(),  # noqa: S311  # spreads closes, hides nothing
        )
