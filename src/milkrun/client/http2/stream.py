"""One exchange on one stream of an HTTP/2 connection."""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
)

from milkrun.client.errors import RequestError, UsageError
from milkrun.client.exchange.breakdown import broken, timed_out
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.facts import ConnectionFacts
from milkrun.client.headers import RawPairs
from milkrun.client.http1.lenient import bad_framing
from milkrun.client.http1.wire import Received
from milkrun.client.http2.outflow import Outflow
from milkrun.client.http2.reply import Reply
from milkrun.client.http2.session import STREAM_WINDOW, Malformed
from milkrun.client.request import PreparedRequest

_CREDIT = STREAM_WINDOW // 4  # bytes taken before the server is told: a frame for each piece would double the frames
_FINISHED = "the server will not answer: it had ended the connection before the request was sent"
_UNHEEDED = "the server closed the connection and has not processed the request"


class Carrier(Protocol):
    """The connection that a stream is on.

    Attributes:
        max_head: the most bytes of a response's head.
        outflow: sends contents.
    """

    loop: asyncio.AbstractEventLoop
    outflow: Outflow
    max_head: int
    uses: int
    gap: float
    survived: float
    patience: float
    ended: Closed | None

    def now(self) -> float:
        """Clock seconds."""

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` last is to know of its connection."""

    def begin(self, stream: "Http2Stream", request: PreparedRequest, begun: float, *, ends: bool) -> int:
        """Send a request's head, which `ends` the stream if no content follows; gives the stream's number.

        0: nothing can be sent any more.
        """

    def flush(self) -> None:
        """Hand what is to be sent to the transport."""

    def flush_together(self) -> None:
        """The same, but once in this turn of the loop for all that start in it."""

    def get_extra_info(self, name: str) -> Any:
        """What its transport knows, by asyncio's names."""

    def attend(self, due: float) -> None:
        """Look at the deadlines when this time has come."""

    def give_back(self, number: int, count: int) -> None:
        """Let the server send so many bytes more on a stream."""

    def release(self, stream: "Http2Stream", code: ErrorCodes | None) -> None:
        """The exchange is over. With a code the stream is reset, unless both sides have ended it."""


class Http2Stream:
    """An exchange; see `exchange.Exchange` and, once it is opened, `exchange.OpenExchange`.

    Attributes:
        answer: brings the response, or its opening; from `start` or `open` on.
        number: of the stream; 0 before it has begun.
        due: clock seconds at which it fails, infinite while nobody waits.
    """

    __slots__ = ("_connection", "_ended", "_inflow", "_on_interim", "_over", "_owed", "_reply", "_trip", "_vacancy",
                 "_writing", "answer", "due", "number", "unheeded", "uses")  # fmt: skip

    shared = True

    def __init__(self, connection: Carrier) -> None:
        self._connection = connection
        self._ended: Closed | None = None
        self._inflow: Inflow | None = None
        self._on_interim: Callable[[bytes], None] | None = None
        self._over = False
        self._owed = 0  # bytes of window that the server is to be given back
        self._reply: Reply
        self._trip: Trip
        self._vacancy: asyncio.Future[None] | None = None
        self._writing = False
        self.answer: asyncio.Future[Received]
        self.due = math.inf
        self.number = 0
        self.unheeded = False
        self.uses = connection.uses

    def __repr__(self) -> str:
        state = "over" if self._over else self.layer if self.number else "not begun"
        return f"<Http2Stream {self.number}: {state}, on {self._connection!r}>"

    @property
    def gap(self) -> float:
        """As `Exchange` has it."""
        return self._connection.gap

    @property
    def survived(self) -> float:
        """As `Exchange` has it."""
        return self._connection.survived

    @property
    def stream_id(self) -> int | None:
        """As `OpenExchange` has it."""
        return self.number

    @property
    def patience(self) -> float:
        """As `Exchange` has it."""
        return self._connection.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._connection.patience = seconds

    @property
    def ended(self) -> Closed | None:
        """As `Exchange` has it."""
        return self._ended or self._connection.ended

    def facts(self, begun: float) -> ConnectionFacts:
        """As `Exchange` has it."""
        facts = self._connection.facts(begun)
        if self.uses == self._connection.uses:
            return facts
        return msgspec.structs.replace(facts, reused=self.uses > 1, uses=self.uses - 1)

    def get_extra_info(self, name: str) -> Any:
        """As `OpenExchange` has it."""
        return self._connection.get_extra_info(name)

    def start(self, request: PreparedRequest, trip: Trip) -> asyncio.Future[Received]:
        """As `Exchange` has it."""
        content = cast("bytes", request.content)  # what is streamed comes by `write`
        if not content:
            self._begin(request, trip, ends=True)
        elif self._begin(request, trip, ends=False):
            self._writing = True
            self._connection.outflow.send(self.number, content, last=True, on_gone=self._mark_sent)
        self._connection.flush_together()
        return self.answer

    def open(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None]
    ) -> "Http2Stream":
        """As `Exchange` has it."""
        self._inflow = inflow
        self._on_interim = on_interim
        inflow.source = self
        if request.streamed:
            self._writing = self._begin(request, trip, ends=False)
            self._connection.flush()
        else:
            self.start(request, trip)
        return self

    async def write(self, piece: bytes) -> bool:
        """As `OpenExchange` has it."""
        if not self._writing or not piece:
            return self._writing
        vacancy = self._vacancy = self._connection.loop.create_future()
        self._pace("send")
        self._connection.outflow.send(self.number, piece, last=False, on_gone=self._let_write)
        await vacancy
        self._pace("source")
        return self._writing

    def end_content(self) -> None:
        """As `OpenExchange` has it."""
        if self._writing:
            self._pace("send")
            self._connection.outflow.send(self.number, b"", last=True, on_gone=self._mark_sent)

    def abandon(self, reason: Closed) -> None:
        """As `Exchange` has it: the stream is reset, the connection stays."""
        if not self._over:
            self._end(reason, ErrorCodes.CANCEL)

    def dismiss(self, error: Exception) -> None:
        """The client closes: whoever waits gets the error."""
        self._end(Closed.CLIENT, None)
        self._tell(error)

    def hand_over(self) -> Tunnel:
        """As `OpenExchange` has it, but not here: a stream among others is no connection to hand over."""
        raise UsageError("HTTP/2 hands no connection over; ask for HTTP/1.1 (http2=False) to upgrade or to CONNECT")

    def await_more(self, seconds: float) -> None:
        """As `Source` has it."""
        if not self._over:
            self._wait_until(self._connection.now() + seconds)

    def consumed(self, count: int, waiting: int) -> None:  # noqa: ARG002  # the window is the bound
        """As `Source` has it."""
        self._give_back(count)
        self._connection.flush()

    def lose(self, cause: Exception | None) -> None:
        """The connection is lost."""
        self._fail(broken(self.layer, cause), Closed.FAILED, None)

    def break_off(self, error: RequestError) -> None:
        """The server has broken the connection's rules."""
        self._fail(error, Closed.FAILED, None)

    def refuse(self) -> None:
        """The server has said that it will not process the request."""
        self.unheeded = True
        self._fail(RequestError("wait", "closed", _UNHEEDED), Closed.NOT_KEPT, None)

    def strike(self) -> None:
        """The deadline has passed, or the reader's patience."""
        self._fail(timed_out(self.layer), Closed.TIMEOUT, ErrorCodes.CANCEL)

    @property
    def layer(self) -> str:
        """In which layer the exchange is: send, wait or receive."""
        if not self._trip.sent:
            return "send"
        return "wait" if self._reply.status is None else "receive"

    def hear(self, event: Event, now: float) -> None:
        """Something happened to the stream."""
        if self._trip.heard:
            self._trip.further = now
        elif type(event) is not InformationalResponseReceived:  # which may come while the content is still to be sent
            self._trip.heard = now
        try:
            HEARD[type(event)](self, event)
        except RequestError as err:
            self._fail(err, Closed.FAILED, ErrorCodes.CANCEL)

    def _hear_interim(self, event: InformationalResponseReceived) -> None:
        head = self._reply.interim(event.headers)
        if self._on_interim is not None:
            self._on_interim(head)
            if self._trip.sent:
                self._pace("wait")

    def _hear_head(self, event: ResponseReceived) -> None:
        self._reply.open(event.headers)
        if self._inflow is not None:
            self.due = math.inf
            if not self.answer.done():  # done: cancelled, in this turn of the loop
                self.answer.set_result(self._reply.take())
        if event.stream_ended is not None:
            self._reply.close()
            self._finish()

    def _hear_data(self, event: DataReceived) -> None:
        inflow, piece = self._inflow, event.data
        wanted = self._reply.add(piece, keep=inflow is None)
        if inflow is None or not piece:
            self._give_back(event.flow_controlled_length)
        else:
            self.due = math.inf
            inflow.feed(piece)
            self._give_back(event.flow_controlled_length - len(piece))
        if event.stream_ended is not None:
            self._reply.close()
            self._finish()
        elif not wanted:
            self._finish()

    def _hear_trailers(self, event: TrailersReceived) -> None:
        self._finish(self._reply.trail(event.headers))

    def _hear_reset(self, event: StreamReset) -> None:
        if not event.remote_reset:  # by h2, because the server opened the stream's window beyond all limits (6.9.1)
            self._fail(bad_framing("the stream's window is too large", phase=self.layer), Closed.FAILED, None)
            return
        self.unheeded = event.error_code == ErrorCodes.REFUSED_STREAM and self._reply.status is None
        name = event.error_code.name if isinstance(event.error_code, ErrorCodes) else f"code {event.error_code}"
        self._fail(RequestError(self.layer, "reset", f"the server reset the stream: {name}"), Closed.FAILED, None)

    def _hear_malformed(self, event: Malformed) -> None:
        phase = "wait" if self._reply.status is None else "receive"
        error = bad_framing(f"the response is malformed: {event.cause}", phase=phase)
        error.__cause__ = event.cause
        self._fail(error, Closed.FAILED, None)

    def _begin(self, request: PreparedRequest, trip: Trip, *, ends: bool) -> bool:
        connection = self._connection
        self._trip = trip
        self._reply = Reply(request, max_head=connection.max_head)
        self.answer = connection.loop.create_future()
        self.number = connection.begin(self, request, trip.begun, ends=ends)
        self.uses = connection.uses
        if not self.number:
            trip.sent = trip.begun  # that there is nobody to send to was the server's doing: it is `wait` that fails
            self.unheeded = True
            self._fail(RequestError("wait", "closed", _FINISHED), Closed.NOT_KEPT, None)
            return False
        self._pace("source" if request.streamed else "send")
        if ends:
            connection.outflow.mark(self._mark_sent)
        return True

    def _mark_sent(self) -> None:
        self._writing = False
        if not self._trip.sent and not self._over:
            self._trip.sent = self._connection.now()
            if self._inflow is not None:
                self._pace("wait")

    def _let_write(self) -> None:
        if self._vacancy is not None and not self._vacancy.done():
            self._vacancy.set_result(None)

    def _pace(self, phase: str) -> None:
        """From now on, wait as long as this phase may last; once the head is here, its reader says how long."""
        if not self.answer.done():
            self._wait_until(self._trip.until(phase, self._connection.now()))

    def _wait_until(self, due: float) -> None:
        self.due = due
        self._connection.attend(due)

    def _give_back(self, count: int) -> None:
        self._owed += count
        if self._owed >= _CREDIT and not self._over:
            owed, self._owed = self._owed, 0
            self._connection.give_back(self.number, owed)

    def _finish(self, trailers: RawPairs = ()) -> None:
        # What is still to be sent is not wanted after an early answer (RFC 9113 8.1), nor the rest of a drained body.
        self._end(None, ErrorCodes.CANCEL)
        if self._inflow is not None:
            self._inflow.finish(trailers, keep=True)
        elif not self.answer.done():  # done: cancelled, in this turn of the loop
            self.answer.set_result(self._reply.take())

    def _fail(self, error: RequestError, reason: Closed, code: ErrorCodes | None) -> None:
        error.answer = self._reply.seen()
        self._end(reason, code)
        self._tell(error)

    def _end(self, reason: Closed | None, code: ErrorCodes | None) -> None:
        self._over = True
        self._ended = reason
        self._writing = False
        self.due = math.inf
        self._let_write()
        self._connection.release(self, code)

    def _tell(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
        elif self._inflow is not None and not self._inflow.complete:
            self._inflow.fail(error)


HEARD: dict[type[Event], Callable[[Http2Stream, Any], None]] = {
    InformationalResponseReceived: Http2Stream._hear_interim,  # noqa: SLF001  # the class's own table
    ResponseReceived: Http2Stream._hear_head,  # noqa: SLF001
    DataReceived: Http2Stream._hear_data,  # noqa: SLF001
    TrailersReceived: Http2Stream._hear_trailers,  # noqa: SLF001
    StreamReset: Http2Stream._hear_reset,  # noqa: SLF001
    Malformed: Http2Stream._hear_malformed,  # noqa: SLF001
}
