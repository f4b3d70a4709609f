"""One HTTP/1.1 exchange in pieces: content that is written bit by bit, a body that is handed on as it arrives.

For its length it takes its connection's place as the transport's protocol, and gives the transport back at the end:
so the connection itself, which nearly always exchanges whole messages, knows nothing of pieces.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Protocol, cast

from milkrun.client.errors import RequestError
from milkrun.client.exchange.breakdown import broken, timed_out
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.departure import LARGE, Departure
from milkrun.client.exchange.inflow import HIGH_WATER, Inflow
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.facts import ConnectionFacts
from milkrun.client.headers import Headers
from milkrun.client.http1.wire import Received
from milkrun.client.http1.wire_stream import StreamingParser
from milkrun.client.pool.learnt import heeded
from milkrun.client.request import PreparedRequest

_GRACE = 1.0  # seconds for what was written to a tunnel to leave, once it is closed


class Lender(Protocol):
    """The connection that an exchange takes the place of."""

    uses: int
    gap: float
    survived: float
    patience: float
    ended: Closed | None

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` last is to know of its connection."""

    def abandon(self, reason: Closed) -> None:
        """Close at once."""

    def close(self, reason: Closed) -> None:
        """Close in good order."""

    def take_back(self, *, is_stuck: bool) -> None:
        """The exchange is over: what the transport has to say from now on is the connection's again.

        It is stuck if the server has answered and does not read the rest of the request.
        """

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""


class StreamedExchange(asyncio.Protocol):
    """An exchange in pieces; see `exchange.OpenExchange`.

    Attributes:
        answer: brings the response's opening, or a RequestError.
        due, watched: see `deadlines`.
    """

    __slots__ = ("_clock", "_deadlines", "_departure", "_holding", "_inflow", "_lender", "_loop", "_over", "_parser",
                 "_request", "_transport", "_trip", "_tunnel", "_vacancy", "_writing",
                 "answer", "due", "watched")  # fmt: skip

    shared = False
    unheeded = False
    stream_id = None

    def __init__(
        self,
        lender: Lender,
        transport: asyncio.Transport,
        beneath: asyncio.Transport | None,
        *,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        clock: Callable[[], float],
        parser: StreamingParser,
        inflow: Inflow,
        request: PreparedRequest,
        trip: Trip,
    ) -> None:
        self._lender = lender
        self._transport = transport
        self._loop = loop
        self._deadlines = deadlines
        self._clock = clock
        self._parser = parser
        self._inflow = inflow
        self._request = request
        self._trip = trip
        self._writing = request.streamed
        self._over = self._holding = False
        self._departure = Departure(transport, beneath, loop=loop, on_gone=self._mark_sent)
        self._tunnel: Tunnel | None = None
        self._vacancy: asyncio.Future[None] | None = None
        self.answer: asyncio.Future[Received] = loop.create_future()
        self.due = self.watched = math.inf
        inflow.source = self

    def __repr__(self) -> str:
        state = "over" if self._over else self._layer()
        return f"<StreamedExchange of {self._request!r}: {state}, on {self._lender!r}>"

    def begin(self, early: bytes) -> None:
        """Send the head, with content that is there already; `early` is what the server said before it was asked."""
        self._transport.set_protocol(self)
        self._parser.expect(self._request.head_only, self._request.max_body, False)
        self._pace("source" if self._writing else "send")
        if self._lender.ended is None:
            if len(self._request.data) > LARGE:
                self._departure.tighten()
            self._transport.write(self._request.data)
            if not self._writing:
                self._departure.look()
        else:
            self._trip.sent = self._trip.begun  # as in Connection.start
        if early:
            self.data_received(early)
        if self._lender.ended is not None and not self._over:
            self._stop(None)

    def take_over(self, data: bytes) -> None:
        """Go on with an exchange whose request has gone, and of whose response this has come so far."""
        self._transport.set_protocol(self)
        self._parser.expect(self._request.head_only, self._request.max_body, False)
        self._trip.heard = 0.0  # it may be no more than an interim response
        self._pace("wait")
        self.data_received(data)

    async def write(self, piece: bytes) -> bool:
        """As `OpenExchange` has it."""
        if self._departure.is_held:
            self._vacancy = self._loop.create_future()
            self._pace("send")
            await self._vacancy
            self._pace("source")
        if self._writing and piece:  # an empty chunk would be the last one
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._request.chunked else piece)
        return self._writing

    def end_content(self) -> None:
        """As `OpenExchange` has it."""
        if self._writing:
            self._departure.tighten()
            if self._request.chunked:
                self._transport.write(b"0\r\n\r\n")
            self._writing = False
            self._pace("send")
            self._departure.look()

    def facts(self, begun: float) -> ConnectionFacts:
        """As `OpenExchange` has it."""
        return self._lender.facts(begun)

    @property
    def uses(self) -> int:
        """As `OpenExchange` has it."""
        return self._lender.uses

    @property
    def gap(self) -> float:
        """As `OpenExchange` has it."""
        return self._lender.gap

    @property
    def survived(self) -> float:
        """As `OpenExchange` has it."""
        return self._lender.survived

    def get_extra_info(self, name: str) -> Any:
        """As `OpenExchange` has it."""
        return self._transport.get_extra_info(name)

    def abandon(self, reason: Closed) -> None:
        """As `OpenExchange` has it."""
        if not self._over:
            self._give_back()
        self._lender.abandon(reason)

    def dismiss(self, error: Exception) -> None:
        """The client closes: whoever waits gets the error."""
        if self._tunnel is not None:
            self._tunnel.dismiss(error)
        self.abandon(Closed.CLIENT)
        self._tell(error)

    def hand_over(self) -> Tunnel:
        """The stream itself, after a response that hands it over (RFC 9110 7.8, 9.3.6)."""
        self._over = True
        self.due = math.inf
        self._deadlines.forget(self)
        tunnel = Tunnel(self._transport, on_close=self._close_handed, on_lost=self._lender.connection_lost)
        self._tunnel = tunnel
        tunnel.begin(self._parser.rest or b"", paused=self._departure.is_held)
        return tunnel

    def await_more(self, seconds: float) -> None:
        """As `Source` has it."""
        self._wait_until(self._clock() + seconds)

    def consumed(self, count: int, waiting: int) -> None:  # noqa: ARG002  # HTTP/2 gives credit by the byte
        """As `Source` has it."""
        if self._holding and waiting < HIGH_WATER // 2:
            self._holding = False
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        try:
            complete = self._parser.feed(data)
            self._mark_heard()
            self._hand_on()
        except RequestError as err:
            self._fail(err, Closed.FAILED)
        else:
            if complete:
                self._finish()

    def eof_received(self) -> None:
        """As asyncio has it: the server will send no more."""
        if not self._over:
            self._stop(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it: the descriptor is closed."""
        if not self._over:
            self._stop(exc)
        self._lender.connection_lost(exc)

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self._departure.is_held = True

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._departure.is_held = False
        self._let_write()
        if not self._writing:
            self._departure.look()

    def strike(self, now: float) -> None:  # noqa: ARG002  # as `Watched` has it
        """Its deadline, or the reader's patience, is over."""
        self._fail(timed_out(self._layer()), Closed.TIMEOUT)

    def _pace(self, phase: str) -> None:
        """From now on, wait as long as this phase may last; once the head is here, its reader says how long."""
        if not self.answer.done():
            self._wait_until(self._trip.until(phase, self._clock()))

    def _wait_until(self, due: float) -> None:
        self.due = due
        if due < self.watched:
            self._deadlines.watch(self)

    def _mark_sent(self) -> None:
        if not self._over and not self._trip.sent:
            self._trip.sent = self._clock()
            self._pace("wait")

    def _mark_heard(self) -> None:
        if self._trip.heard:
            self._trip.further = self._clock()
        elif self._parser.has_begun:  # interim responses come while the content is still to be sent
            self._trip.heard = self._clock()

    def _hand_on(self) -> None:
        opening = self._parser.opening()
        if opening is None:
            if self._trip.sent:  # there will be more: an interim response, or half a head
                self._pace("wait")
        elif not self.answer.done():
            self.due = math.inf
            self.answer.set_result(opening)
        piece = self._parser.pour()
        if piece:
            self.due = math.inf
            self._inflow.feed(piece)
            if self._inflow.waiting > HIGH_WATER and not self._holding:
                self._holding = True
                self._transport.pause_reading()

    def _finish(self) -> None:
        if self._parser.rest is not None:
            self._transport.pause_reading()  # until the stream is handed over
            return
        is_stuck = not self._departure.is_over
        keep = self._parser.keep and not self._writing and not is_stuck
        if not (self._trip.sent or self._writing or is_stuck):
            self._trip.sent = self._trip.heard  # it was, at the latest when the server began to answer
        if keep:
            fields = Headers.from_head(cast("Received", self._parser.opening()).head)
            self._lender.patience = heeded(self._lender.patience, fields.get("keep-alive"))
        self._give_back(is_stuck=is_stuck)
        self._inflow.finish(self._parser.trailers, keep=keep)

    def _give_back(self, *, is_stuck: bool = False) -> None:
        self._over = True
        self._writing = False
        self.due = math.inf
        self._deadlines.forget(self)
        self._let_write()
        self._transport.set_protocol(self._lender)  # type: ignore[arg-type]  # a Lender is a protocol of asyncio's
        if self._holding:
            self._transport.resume_reading()
        self._lender.take_back(is_stuck=is_stuck)

    def _let_write(self) -> None:
        if self._vacancy is not None and not self._vacancy.done():
            self._vacancy.set_result(None)

    def _stop(self, cause: Exception | None) -> None:
        if cause is None and self._parser.end():
            self._trip.further = self._clock()
            self._finish()
            return
        self._fail(broken(self._layer(), cause), Closed.FAILED)

    def _fail(self, error: RequestError, reason: Closed) -> None:
        error.answer = self._parser.seen()
        error.warnings = self._parser.warnings
        self.abandon(reason)
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
        else:
            self._inflow.fail(error)

    def _layer(self) -> str:
        if not self._trip.sent:
            return "send"
        return "wait" if self._parser.status is None else "receive"

    def _close_handed(self) -> None:
        self._lender.close(Closed.NOT_KEPT)
        if self._transport.get_write_buffer_size():  # a peer that does not read would keep it open for ever
            self._loop.call_later(_GRACE, self._transport.abort)
        self._inflow.finish((), keep=False)  # with the tunnel its place among the requests in flight is free
