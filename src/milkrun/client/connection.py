"""One HTTP/1.1 connection: an asyncio protocol that carries one exchange after the other.

It knows nothing of pools: whoever owns it is told when it is lost or spoilt. For HTTP/1.1 the connection is itself
the exchange in flight (`start`, `answer`, `abandon`); one with many at once would hand out an object each.
"""

import asyncio
import math
import ssl
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, cast

from milkrun.client.deadlines import Deadlines
from milkrun.client.errors import RequestError, RequestTimeoutError
from milkrun.client.facts import ConnectionFacts, TlsFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.trip import Trip
from milkrun.client.wire import Received, ResponseParser

# More than this may not fit the socket's buffer: then the phase `send` ends when the transport has let it all go.
_LARGE = 64 * 1024

_TIMED_OUT = {
    "send": "the request was not all sent before the deadline",
    "wait": "no complete response head came before the deadline",
    "receive": "the body did not end before the deadline",
}
_BROKEN = {
    "closed": "the server closed the connection without a response",
    "truncated": "the server closed the connection in the middle of the body",
    "reset": "the connection was reset",
}


class Closed(StrEnum):
    """Why a connection was closed: the keys of `closed_total`."""

    SERVER = "server"  # the server closed it while it was idle
    NOT_KEPT = "not-kept"  # the response said that it would be closed, or did not say where it ends
    FAILED = "failed"  # an exchange failed on it
    TIMEOUT = "timeout"  # the deadline struck during an exchange
    CANCELLED = "cancelled"  # the caller went away during an exchange
    MAX_AGE = "max-age"
    IDLE = "idle"
    FRESH = "fresh"  # its one request asked for a connection of its own
    BUDGET = "budget"  # the budget keeps others warm
    UNASKED = "unasked"  # the server sent what nobody asked for
    CLIENT = "client"  # the client was closed


class Owner(Protocol):
    """Who a connection belongs to."""

    def expired(self, connection: "Connection", now: float) -> None:
        """Its time as an idle connection is over."""

    def ending(self, connection: "Connection") -> None:
        """It is being closed: its descriptor soon will be."""

    def spoilt(self, connection: "Connection", reason: Closed) -> None:
        """It can serve no further exchange."""

    def lost(self, connection: "Connection") -> None:
        """Its descriptor is closed."""


class Connection(asyncio.Protocol):
    """A connection and the exchange it is carrying, if any.

    Attributes:
        key: what it is pooled by.
        created, returned: clock seconds of its birth and of the end of its last exchange.
        uses: exchanges begun.
        patience: seconds that it may be idle.
        gap: seconds it was idle before its last exchange, infinite before its second.
        jitter: 0.9 to 1: the part of any maximum age that it may reach, so that connections made together do not
            all end together.
        retires: clock seconds at which it is too old, by the client's maximum age.
        is_idle, below: whether it lies in its owner's stack of idle connections, and on which other.
        due, watched: see `deadlines`; while idle, the time to expire.
        ended: why it was closed; None while it is open.
    """

    __slots__ = ("_clock", "_deadlines", "_early", "_loop", "_parser", "_paused", "_spent", "_transport", "_trip",
                 "address", "answer", "below", "created", "due", "ended", "gap", "is_idle", "jitter", "key", "lost",
                 "owner", "patience", "peer", "retires", "returned", "tls", "uses", "watched")  # fmt: skip

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
        self._loop = loop
        self._deadlines = deadlines
        self._clock = clock
        self._parser = ResponseParser(max_head=max_head)
        self._transport: asyncio.Transport  # from connection_made on, before which nobody has the connection
        self._paused = self._spent = False
        self._early = b""
        self._trip: Trip | None = None  # of the exchange in flight
        self.answer: asyncio.Future[Received] | None = None
        self.owner: Owner | None = None
        self.key = ""
        self.peer: str | None = None
        self.address: str | None = None
        self.tls: TlsFacts | None = None
        self.created = self.returned = clock()
        self.uses = 0
        self.gap = math.inf
        self.patience = patience
        self.jitter = jitter
        self.retires = math.inf
        self.is_idle = False
        self.below: Connection | None = None
        self.due = self.watched = math.inf
        self.ended: Closed | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = cast("asyncio.Transport", transport)
        self.created = self._clock()

    def start(self, request: PreparedRequest, trip: Trip) -> asyncio.Future[Received]:
        """Send a request; the future brings the response, or a RequestError."""
        self.answer = answer = self._loop.create_future()
        self._trip = trip
        self.gap = trip.begun - self.returned if self.uses else math.inf
        self.uses += 1
        self._parser.expect(request.head_only, request.max_body, request.drain)
        self.due = trip.deadline
        if trip.deadline < self.watched:
            self._deadlines.watch(self)
        if self.ended is None:
            data = request.data
            if len(data) > _LARGE:
                self._transport.set_write_buffer_limits(high=0)
            self._transport.write(data)
            if not self._paused:
                trip.sent = self._clock()
        else:
            trip.sent = trip.begun  # that there is nobody to send to was the server's doing: it is `wait` that fails
        if self._early or self.ended is not None:
            self._catch_up()
        return answer

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` last is to know of its connection."""
        return ConnectionFacts(
            reused=self.uses > 1,
            age=begun - self.created,
            uses=self.uses - 1,
            peer=self.peer,
            address=self.address,
            tls=self.tls,
        )

    def rest(self, now: float, max_age: float | None) -> None:
        """Be idle, for as long as patience lasts, or until the connection is too old."""
        self.is_idle = True
        self.returned = now
        due = now + self.patience
        retires = self.retires if max_age is None else self.created + max_age * self.jitter
        if due > retires:
            due = retires
        self.due = due
        if due < self.watched:
            self._deadlines.watch(self)

    def close(self, reason: Closed) -> None:
        """Close in good order; over TLS that takes up to a second if the peer is silent."""
        self._end(reason)
        self._transport.close()

    def abandon(self, reason: Closed) -> None:
        """Close at once, whatever is in flight."""
        self.answer = self._trip = None
        self._end(reason)
        self._transport.abort()

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

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._paused = False
        if self._trip is not None:  # else the answer came before the request was all sent
            self._trip.sent = self._clock()

    def strike(self, now: float) -> None:
        """Its time has come: the deadline of the exchange, or the end of its idle life."""
        if self.answer is not None:
            layer = self._layer()
            self._fail(RequestTimeoutError(layer, _TIMED_OUT[layer]), Closed.TIMEOUT)
        else:  # only an owned connection is ever watched
            cast("Owner", self.owner).expired(self, now)

    def _hear_unasked(self, data: bytes) -> None:
        if self.uses:
            self._spoil(Closed.UNASKED)
        else:  # an overloaded server may answer before it is asked; another protocol may greet
            self._early += data

    def _catch_up(self) -> None:
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
        if self.answer is not None and self.ended is not None:
            self._stop(None)

    def _finish(self) -> None:
        received = self._parser.take()
        if self._paused:
            received.keep = False  # the rest of the request is still to be sent
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
            self._fail(self._broken(cause), Closed.FAILED)

    def _fail(self, error: RequestError, reason: Closed) -> None:
        answer = cast("asyncio.Future[Received]", self.answer)
        error.answer = self._parser.seen()
        error.warnings = self._parser.warnings
        self.abandon(reason)
        if not answer.done():
            answer.set_exception(error)

    def _broken(self, cause: Exception | None) -> RequestError:
        layer = self._layer()
        reset = cause is not None and not isinstance(cause, ssl.SSLError)
        kind = "reset" if reset else "truncated" if layer == "receive" else "closed"
        error = RequestError(layer, kind, _BROKEN[kind])
        error.__cause__ = cause
        return error

    def _layer(self) -> str:
        if not cast("Trip", self._trip).sent:
            return "send"
        return "wait" if self._parser.status is None else "receive"

    def _spoil(self, reason: Closed) -> None:
        if self.ended is None and not self._spent:  # a spent one is about to be closed anyway
            self._end(reason)
            if self.owner is not None:
                self.owner.spoilt(self, reason)

    def _end(self, reason: Closed) -> None:
        self.due = math.inf
        if self.ended is None:
            self.ended = reason
            if self.owner is not None:
                self.owner.ending(self)
