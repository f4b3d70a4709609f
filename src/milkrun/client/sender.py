"""How requests are sent: the long way, of which `Client.send` takes a short cut where it can.

A call is hops (redirects), a hop is one exchange or, to authenticate, two; an exchange may need a second connection
when the first one turns out stale. Whole responses and streamed ones go the same way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import msgspec

from milkrun.client.auth import Sessions
from milkrun.client.coding import decode_small
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.exchange.exchange import Exchange, Underway
from milkrun.client.exchange.flight import Flight
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.headers import Headers
from milkrun.client.http1.connection import Connection
from milkrun.client.http1.wire import Received
from milkrun.client.pool.learnt import heeded
from milkrun.client.pool.pool import Pool
from milkrun.client.redirect import destination, guard, onward
from milkrun.client.request import PreparedRequest, with_field
from milkrun.client.response import Hop, Response, coding, undone
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse

R = TypeVar("R", Response, StreamedResponse)
OneHop: TypeAlias = Callable[[PreparedRequest, Trip], Awaitable[R]]

_STALE = frozenset({"closed", "reset"})


class Sender:
    """Sends requests over a pool's connections.

    Attributes:
        warm, cold: exchanges on connections that had carried one before, and on new ones.
        stale_retries: exchanges that had to be repeated on another connection.
    """

    def __init__(
        self, pool: Pool, *, sessions: Sessions, clock: Callable[[], float], user_agent: str, drain_limit: int
    ) -> None:
        self._pool = pool
        self._sessions = sessions
        self._clock = clock
        self._user_agent = user_agent
        self._drain_limit = drain_limit
        self.warm = self.cold = self.stale_retries = 0

    async def deliver(self, request: PreparedRequest, trip: Trip) -> Response:
        """One hop to its whole response."""
        return await self._authorized(self._hop, request, trip)

    async def open(self, request: PreparedRequest, trip: Trip, read_timeout: float) -> StreamedResponse:
        """One hop and all redirects, to a response whose body is still to be read."""

        async def hop(request: PreparedRequest, trip: Trip) -> StreamedResponse:
            return await self._open_hop(request, trip, lambda: read_timeout)

        return await self._follow(hop, await self._authorized(hop, request, trip), trip)

    async def begin(
        self, connection: Connection, request: PreparedRequest, trip: Trip, read_timeout: float
    ) -> LandedResponse | StreamedResponse:
        """One exchange on a warm connection, to a response that has landed or one whose body is still to be read."""
        flight: Flight | None = None

        def go_on(data: bytes) -> None:
            nonlocal flight
            flight = self._flight(connection, request, trip)
            flight.take_over(connection, data)

        trip.deadline = trip.until("wait", trip.begun)
        connection.split = go_on
        answer = connection.start(request, trip)
        try:
            received = await answer
        except BaseException as err:  # noqa: BLE001  # it is raised again, unless there is a better answer
            return await self._begin_again(connection, flight, request, trip, answer, err, lambda: read_timeout)
        if flight is not None:
            return await self._open_on(flight, lambda: read_timeout)
        connection.split = None
        return self._land(connection, request, trip, received)

    def conclude(
        self, exchange: Exchange, request: PreparedRequest, trip: Trip, received: Received, undo: bool = True
    ) -> Response:
        """The exchange has brought a whole response: give its connection back, and make something of it.

        `undo`: its content codings, as far as that is a short piece of work; else they stay on.
        """
        timings = trip.timings
        now = trip.further or trip.heard  # not the clock: that we come to hear of it later is not the target's doing
        trip.clocked(now)
        timings.total = now - trip.started - timings.queue
        facts = exchange.facts(trip.begun)
        headers = Headers.from_head(received.head) if received.notable else None
        if headers is not None:
            exchange.patience = heeded(exchange.patience, headers.get("keep-alive"))
        if isinstance(exchange, Connection):
            self._pool.put_back(exchange, request, now, keep=received.keep)
        else:  # it carries others, or may
            self._pool.leave(request)
        body = received.body
        if headers is not None:
            trip.connection, trip.answer = facts, received.facts()
            encoding = coding(headers) if undo else ""
            plain = decode_small(body, encoding, cap=request.max_body) if encoding else body
            body, trip.is_coded = (body, True) if plain is None else (plain, False)
        return Response(request, received, body, timings, facts, trip.stale_retry,
                        trip.warnings + received.warnings, trip.history)  # fmt: skip

    async def finish(self, response: Response, trip: Trip) -> Response:
        """What is left to do where it is more than to hand the response on: undo a large body's coding, go on."""
        if trip.is_coded:
            await self._undo(response, trip)
        if response.is_redirect and response.request.options.redirects != "off":
            response = await self._follow(self._hop, response, trip)
        return response

    async def recover(
        self,
        exchange: Exchange,
        request: PreparedRequest,
        trip: Trip,
        answer: asyncio.Future[Received],
        error: BaseException,
    ) -> Response:
        """The exchange has failed: raise that, or send the request once more."""
        if not self._is_retryable(exchange, request, trip, answer, error):
            self._pool.leave(request)
            raise error
        return await self._converse(await self._pool.renew(request, trip), request, trip)

    def _land(self, connection: Connection, request: PreparedRequest, trip: Trip, received: Received) -> LandedResponse:
        """As `conclude`, for who undoes the body's codings himself."""
        whole = self.conclude(connection, request, trip, received, undo=False)
        return LandedResponse(request, received, whole.timings, whole.connection, whole.stale_retry, whole.warnings,
                              connection)  # fmt: skip

    async def _begin_again(
        self,
        connection: Connection,
        flight: Flight | None,
        request: PreparedRequest,
        trip: Trip,
        answer: asyncio.Future[Received],
        error: BaseException,
        patience: Callable[[], float],
    ) -> StreamedResponse:
        """The exchange has failed: raise that, or send the request once more."""
        connection.split = None
        if flight is not None:  # its response came in the turn of a cancellation
            _see(flight.exchange.answer)
            flight.cut()
            raise error
        if not self._is_retryable(connection, request, trip, answer, error):
            self._pool.leave(request)
            raise error
        return await self._open_on(self._flight(await self._pool.renew(request, trip), request, trip), patience)

    async def _undo(self, response: Response, trip: Trip) -> None:
        trip.is_coded = False
        response.body = await undone(response.received, response.headers, response.request.max_body)

    async def _authorized(self, hop: OneHop[R], request: PreparedRequest, trip: Trip) -> R:
        auth = request.options.auth
        if auth is None:
            return await hop(request, trip)
        session = self._sessions.of(auth)
        with trip.aside(self._clock):  # a token is not the target's business: neither its time nor its deadline
            sent = await session.authorize(request)
        response = await hop(_with(request, sent), trip)
        again = session.answered(request, sent, response.status, response.headers)
        if again is None or not request.is_replayable:
            return response
        await response.discard()
        trip.goes_on(request)
        response = await hop(_with(request, again), trip)
        session.answered(request, again, response.status, response.headers)
        return response

    async def _follow(self, hop: OneHop[R], response: R, trip: Trip) -> R:
        seen: set[tuple[str, str]] = set()
        while True:
            request = response.request
            trip.warnings, trip.connection = response.warnings, response.connection
            trip.answer = response.received.facts()
            url = destination(request, response.status, *response.headers.get_all("location"))
            if url is None:
                return response
            await response.discard()
            seen.add((request.method, response.url))
            trip.history += (Hop(response.url, response.status),)
            request = onward(request, response.status, url, user_agent=self._user_agent)
            guard(seen, request)
            trip.goes_on(request)  # until here the last hop is the one that sent us on
            response = await self._authorized(hop, request, trip)

    async def _hop(self, request: PreparedRequest, trip: Trip) -> Response:
        if request.method == "CONNECT":  # a whole response would leave a tunnel in the pool
            raise UsageError("CONNECT is granted by handing the connection over; use `stream`, and its `tunnel`")
        if request.streamed:
            return await self._whole(request, trip)
        return await self._converse(await self._acquire(request, trip), request, trip)

    async def _converse(self, exchange: Exchange, request: PreparedRequest, trip: Trip) -> Response:
        trip.begin(self._clock(), shared=exchange.shared)
        answer = exchange.start(request, trip)
        try:
            received = await answer
        except BaseException as err:  # noqa: BLE001  # `recover` raises it again, or has a better answer
            return await self.recover(exchange, request, trip, answer, err)
        response = self.conclude(exchange, request, trip, received)
        if trip.is_coded:
            await self._undo(response, trip)
        trip.answered(response)
        return response

    async def _whole(self, request: PreparedRequest, trip: Trip) -> Response:
        """A whole response to a request whose content is streamed."""
        streamed = await self._open_hop(request, trip, lambda: trip.deadline - self._clock())
        try:
            pieces = [piece async for piece in streamed.raw()]
        finally:
            streamed.cut()
        body = b"" if request.drain else b"".join(pieces)
        received = msgspec.structs.replace(streamed.received, body=body, size=streamed.bytes_received)
        trip.connection, trip.answer = streamed.connection, received.facts()
        body = await undone(received, streamed.headers, request.max_body)
        return Response(request, received, body, trip.timings, streamed.connection, trip.stale_retry,
                        streamed.warnings, trip.history)  # fmt: skip

    async def _open_hop(self, request: PreparedRequest, trip: Trip, patience: Callable[[], float]) -> StreamedResponse:
        return await self._open_on(self._flight(await self._acquire(request, trip), request, trip), patience)

    async def _open_on(self, flight: Flight, patience: Callable[[], float]) -> StreamedResponse:
        request, trip = flight.request, flight.trip
        while True:
            try:
                received = await flight.open()
            except BaseException as err:
                if flight.is_over:  # the whole response came in the turn of a cancellation: all was given back already
                    raise
                under_way = flight.exchange
                answer, repeatable = under_way.answer, flight.is_repeatable
                if not self._is_retryable(under_way, request, trip, answer, err, repeatable=repeatable):
                    self._pool.leave(request)
                    raise
                flight = self._flight(await self._pool.renew(request, trip), request, trip)
            else:
                response = StreamedResponse(flight, received, patience=patience, drain_limit=self._drain_limit)
                trip.answered(response)
                return response

    def _flight(self, exchange: Exchange, request: PreparedRequest, trip: Trip) -> Flight:
        return Flight(exchange, request, trip, give_back=self._give_back(exchange, request), clock=self._clock)

    def _give_back(self, exchange: Exchange, request: PreparedRequest) -> Callable[[bool], None]:
        def give_back(keep: bool) -> None:
            if isinstance(exchange, Connection):
                self._pool.put_back(exchange, request, self._clock(), keep=keep)
            else:
                self._pool.leave(request)

        return give_back

    async def _acquire(self, request: PreparedRequest, trip: Trip) -> Exchange:
        try:
            exchange = await self._pool.acquire(request, trip)
        except BaseException:
            self.cold += 1
            raise
        if exchange.uses:
            self.warm += 1
        else:
            self.cold += 1
        return exchange

    def _is_retryable(
        self,
        exchange: Underway,
        request: PreparedRequest,
        trip: Trip,
        answer: asyncio.Future[Received],
        error: BaseException,
        *,
        repeatable: bool = True,
    ) -> bool:
        """Judge an exchange that has failed; if the caller, or its content, gave up, the exchange is given up."""
        trip.connection = exchange.facts(trip.begun)
        trip.broken(self._clock(), error)
        _see(answer)
        if not isinstance(error, RequestError):
            exchange.abandon(Closed.CANCELLED)
            return False
        # A server that closes an idle connection does so, now and then, just as the next request is on its way.
        is_stale = exchange.uses > 1 and not trip.heard and error.kind in _STALE
        if is_stale and not exchange.shared:
            self._pool.was_stale(request, exchange)
        # What the server says it has not processed may be sent again, once, whatever its method (RFC 9113 8.7).
        is_unheeded = exchange.unheeded and not trip.stale_retry
        if not repeatable or not (is_unheeded or (is_stale and request.idempotent)):
            return False
        trip.retry()
        self.stale_retries += 1
        return True


def _see(answer: asyncio.Future[Received]) -> None:
    """What it failed with is known, also when a cancellation came in the same turn."""
    if answer.done() and not answer.cancelled():
        answer.exception()


def _with(request: PreparedRequest, authorization: str | None) -> PreparedRequest:
    return request if authorization is None else with_field(request, "Authorization", authorization)
