"""One HTTP/1.1 connection: an asyncio protocol that carries one exchange after the other.

It knows nothing of pools: whoever owns it is told when it is lost or spoilt. For HTTP/1.1 the connection is itself
the exchange in flight (`start`, `answer`, `abandon`); one with many at once would hand out an object each.
"""

import asyncio
import math
from collections.abc import Callable
from typing import cast

from milkrun.client.errors import RequestError
from milkrun.client.exchange.breakdown import broken, timed_out
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.departure import LARGE, Departure
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed, Link, Owner
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.streaming import StreamedExchange
from milkrun.client.http1.wire import Received, ResponseParser
from milkrun.client.http1.wire_stream import StreamingParser
from milkrun.client.request import PreparedRequest


class Connection(Link):
    """A connection and the exchange it is carrying, if any.

    Attributes:
        below: which other lies below it in the stack of idle connections.
        split: who goes on in pieces (see `take_over`) with what has come of a response that does not come in one;
            set for the exchange that is started next, None if it is to be waited for.
    """

    __slots__ = ("_departure", "_early", "_is_stuck", "_lent", "_max_head", "_parser", "_paused", "_spent", "_trip",
                 "answer", "below", "split")  # fmt: skip

    shared = False
    unheeded = False  # HTTP/1.1 has no word for it

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        clock: Callable[[], float],
        max_head: int,
        patience: float,
        jitter: float,
    ) -> None:
        super().__init__(loop=loop, deadlines=deadlines, clock=clock, patience=patience, jitter=jitter)
        self._max_head = max_head
        self._parser = ResponseParser(max_head=max_head)
        self._lent: StreamedExchange | None = None
        self._paused = self._spent = self._is_stuck = False
        self._departure: Departure | None = None  # of a large request
        self._early = b""
        self._trip: Trip | None = None  # of the exchange in flight
        self.answer: asyncio.Future[Received] | None = None
        self.below: Connection | None = None
        self.split: Callable[[bytes], None] | None = None

    def start(self, request: PreparedRequest, trip: Trip) -> asyncio.Future[Received]:
        """Send a request; the future brings the response, or a RequestError."""
        self.answer = answer = self._loop.create_future()
        self._trip = trip
        self.survived = self.gap
        self.gap = trip.begun - self.returned if self.uses else math.inf  # as in `_begin`
        self.uses += 1
        self._parser.expect(request.head_only, request.max_body, request.drain)
        self.due = trip.deadline
        if trip.deadline < self.watched:
            self._deadlines.watch(self)
        if self.ended is None:
            data = request.data
            if len(data) > LARGE:
                self._depart(data)
            else:
                self._transport.write(data)
                if not self._paused:
                    trip.sent = self._clock()
        else:
            trip.sent = trip.begun  # that there is nobody to send to was the server's doing: it is `wait` that fails
        if self._early or self.ended is not None:
            self._catch_up()
        return answer

    def open(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None]
    ) -> StreamedExchange:
        """As `Exchange` has it."""
        self._begin(trip)
        exchange = self._lend(request, trip, inflow, on_interim)
        early, self._early = self._early, b""
        exchange.begin(early)
        return exchange

    def take_over(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None], data: bytes
    ) -> StreamedExchange:
        """As `Divisible` has it."""
        exchange = self._lend(request, trip, inflow, on_interim)
        exchange.take_over(data)
        return exchange

    def take_back(self, *, is_stuck: bool) -> None:
        """As `Lender` has it."""
        self._lent = None
        self._is_stuck = is_stuck

    def dismiss(self, error: Exception) -> None:
        """As `Link` has it."""
        answer = self.answer
        if self._lent is not None:
            self._lent.dismiss(error)
        elif answer is None:  # the response came in this very turn, and is still to be taken
            self.close(Closed.CLIENT)
        else:
            self.abandon(Closed.CLIENT)
            if not answer.done():
                answer.set_exception(error)

    def close(self, reason: Closed) -> None:
        """As `Link` has it."""
        if self._is_stuck:  # what the server does not read would keep a close in good order waiting for ever
            self.abandon(reason)
        else:
            super().close(reason)

    def abandon(self, reason: Closed) -> None:
        """As `Link` has it."""
        self.answer = self._trip = None
        super().abandon(reason)

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        trip = self._trip
        if trip is None:
            self._hear_unasked(data)
            return
        if trip.heard:
            trip.further = self._clock()
        else:
            trip.heard = self._clock()
        try:
            if self._parser.feed(data):
                self._finish()
            elif self.split is not None:
                self._hand_on(data, self.split)
        except RequestError as err:
            self._fail(err, Closed.FAILED)

    def eof_received(self) -> None:
        """As asyncio has it: the server will send no more."""
        if self.answer is None:
            self._spoil(Closed.SERVER)
        else:
            self._stop(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it: the descriptor is closed."""
        self.lost = True
        if self.answer is not None:
            self._stop(exc)
        self._end(Closed.NOT_KEPT if self._spent else Closed.SERVER)
        if self.owner is not None:
            self.owner.lost(self)

    def pause_writing(self) -> None:
        """As asyncio has it: the request is waiting for room in the socket's buffer."""
        self._paused = True
        if self._departure is not None:
            self._departure.is_held = True

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._paused = False
        if self._departure is None:
            self._mark_sent()
        else:
            self._departure.is_held = False
            self._departure.look()

    def strike(self, now: float) -> None:
        """Its time has come: the deadline of the exchange, or the end of its idle life."""
        if self.answer is not None:
            self._fail(timed_out(self._layer()), Closed.TIMEOUT)
        else:  # only an owned connection is ever watched
            cast("Owner", self.owner).expired(self, now)

    def _begin(self, trip: Trip) -> None:
        self.survived = self.gap
        self.gap = trip.begun - self.returned if self.uses else math.inf
        self.uses += 1

    def _lend(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None]
    ) -> StreamedExchange:
        self.due = math.inf  # its idle life is over, and the exchange has limits of its own
        self._deadlines.forget(self)
        parser = StreamingParser(max_head=self._max_head, takes_over=request.takes_over, on_interim=on_interim)
        self._lent = exchange = StreamedExchange(
            self,
            self._transport,
            self.beneath,
            loop=self._loop,
            deadlines=self._deadlines,
            clock=self._clock,
            parser=parser,
            inflow=inflow,
            request=request,
            trip=trip,
        )
        return exchange

    def _hear_unasked(self, data: bytes) -> None:
        if self.uses:
            self._spoil(Closed.UNASKED)
        else:  # an overloaded server may answer before it is asked; another protocol may greet
            self._early += data

    def _hand_on(self, data: bytes, split: Callable[[bytes], None]) -> None:
        answer = cast("asyncio.Future[Received | None]", self.answer)
        if answer.done():  # cancelled, in this turn of the loop
            return
        self.answer = self._trip = self.split = None
        self._parser = ResponseParser(max_head=self._max_head)  # the old one is in the middle of a message
        split(data)
        answer.set_result(None)

    def _catch_up(self) -> None:
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
        if self.answer is not None and self.ended is not None:
            self._stop(None)

    def _depart(self, data: bytes) -> None:
        departure = Departure(self._transport, self.beneath, loop=self._loop, on_gone=self._mark_sent)
        departure.is_held = self._paused
        departure.tighten()
        self._departure = departure
        self._transport.write(data)
        departure.look()

    def _mark_sent(self) -> None:
        trip = self._trip
        if trip is not None and not trip.sent:  # else the answer came before the request was all sent
            trip.sent = self._clock()

    def _conclude_early(self, received: Received, trip: Trip) -> None:
        """The answer is here, and nobody has said that the request has all been sent."""
        if self._departure is not None and self._departure.is_over:
            trip.sent = trip.heard  # it was, at the latest when the server began to answer
        else:
            received.keep, self._is_stuck = False, True

    def _finish(self) -> None:
        received = self._parser.take()
        trip = self._trip
        if trip is not None and not trip.sent:
            self._conclude_early(received, trip)
        self._spent = not received.keep
        self.due = math.inf
        answer, self.answer, self._trip = self.answer, None, None
        if answer is not None and not answer.done():  # done: cancelled, in this turn of the loop
            answer.set_result(received)

    def _stop(self, cause: Exception | None) -> None:
        if cause is None and self._parser.end():
            cast("Trip", self._trip).further = self._clock()
            self._finish()
        else:
            self._fail(broken(self._layer(), cause), Closed.FAILED)

    def _fail(self, error: RequestError, reason: Closed) -> None:
        answer = cast("asyncio.Future[Received]", self.answer)
        error.answer = self._parser.seen()
        error.warnings = self._parser.warnings
        self.abandon(reason)
        if not answer.done():
            answer.set_exception(error)

    def _layer(self) -> str:
        if not cast("Trip", self._trip).sent:
            return "send"
        return "wait" if self._parser.status is None else "receive"

    def _spoil(self, reason: Closed) -> None:
        if self.ended is None and not self._spent:  # a spent one is about to be closed anyway
            self._end(reason)
            if self.owner is not None:
                self.owner.spoilt(self, reason)
