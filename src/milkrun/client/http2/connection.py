"""One HTTP/2 connection: an asyncio protocol that carries many exchanges at once, each on a stream.

Like the one for HTTP/1.1 it knows nothing of pools: its owner is told what becomes of it.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, cast

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, RemoteSettingsChanged, WindowUpdated
from h2.exceptions import ProtocolError, TooManyStreamsError
from hpack import HeaderTuple
from hpack.exceptions import OversizedHeaderListError

from milkrun.client.errors import RequestError
from milkrun.client.exchange.breakdown import timed_out
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.link import Closed, Link, Owner
from milkrun.client.http1.lenient import bad_framing
from milkrun.client.http2.fields import request_fields
from milkrun.client.http2.outflow import Outflow
from milkrun.client.http2.pulse import Pulse
from milkrun.client.http2.session import CONNECTION_WINDOW, NotHttp2Error, Session
from milkrun.client.http2.stream import HEARD, Http2Stream
from milkrun.client.request import PreparedRequest

MOST_STREAMS = 1000  # at once, where the server sets no limit
_MOST_KNOWN = 32  # requests whose header lists are kept
_CREDIT = CONNECTION_WINDOW // 4  # bytes taken before the server is told
_LAST_NUMBER = H2Connection.HIGHEST_ALLOWED_STREAM_ID - 2 * MOST_STREAMS  # so that those reserved still get one
_PING = b"milkrun?"


class Http2Connection(Link):
    """A connection and the exchanges it carries.

    Attributes:
        is_settled: whether the server has said, or can no more say, how many exchanges it takes at once.
        loop, outflow, max_head: see `stream.Carrier`.
    """

    __slots__ = ("_capacity", "_carried", "_closing", "_farewell", "_flushing", "_known", "_pulse",
                 "_session", "_streams", "_taken", "is_settled", "loop", "max_head", "outflow")  # fmt: skip

    shared = True

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
        self.loop = loop
        self.max_head = max_head
        self._session = Session(max_head=max_head)
        self.outflow = Outflow(self._session, self.flush)
        self._carried: set[Http2Stream] = set()
        self._streams: dict[int, Http2Stream] = {}  # of those carried, the ones that have begun
        self._known: dict[int, tuple[PreparedRequest, list[HeaderTuple]]] = {}
        self._capacity = 1
        self._closing: Closed | None = None
        self._flushing = False
        self._farewell = False  # the server has said that it takes nothing new
        self._pulse = Pulse()
        self._taken = 0
        self.is_settled = False

    @property
    def room(self) -> int:
        """How many further exchanges it accepts now: one in all until the server has said how many, none in doubt."""
        if self._closing is not None or self.ended is not None or self._pulse.is_in_doubt:
            return 0
        return max(0, self._capacity - len(self._carried))

    def join(self) -> Http2Stream:
        """A place for one exchange, taken from now on until the exchange is over or abandoned."""
        stream = Http2Stream(self)
        if not self._carried:
            self.due = math.inf  # it is not idle any more
        self._carried.add(stream)
        return stream

    def close(self, reason: Closed) -> None:
        """As `Link` has it."""
        if self._closing is None:
            self._closing = reason
        if not self._carried and self.ended is None:
            # Not before: some servers take a client's GOAWAY for the end of everything.
            self._session.close_connection()
            self.flush()
            super().close(self._closing)

    def dismiss(self, error: Exception) -> None:
        """As `Link` has it."""
        self.abandon(Closed.CLIENT)
        for stream in tuple(self._streams.values()):
            stream.dismiss(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        super().connection_made(transport)
        self._session.greet()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        if self.ended is not None:
            return
        self._pulse.heard = self._clock()
        refusal = None
        try:
            self._session.hear(data)
        except ProtocolError as err:
            refusal = err
        for event in self._session.take():  # what came before the refusal has happened
            self._note(event)
        if refusal is not None:
            self._break(refusal)
        self.flush()

    def eof_received(self) -> None:
        """As asyncio has it: the server will send no more."""
        if self._carried:
            self._lose(None)
        else:
            self._retire(Closed.SERVER)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it: the descriptor is closed."""
        self.lost = True
        self._lose(exc)
        if self.owner is not None:
            self.owner.lost(self)

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self.outflow.hold()

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self.outflow.resume()

    def strike(self, now: float) -> None:
        """Its time has come: the deadline of an exchange, a silence that is long, or the end of its idle life."""
        if not self._carried:  # only an owned connection is ever watched
            cast("Owner", self.owner).expired(self, now)
            return
        self.due = math.inf
        late = [stream for stream in self._streams.values() if now >= stream.due]
        if late:
            self._ask()
            self._settle()  # who waits for its server's first word has waited long enough
        for stream in late:
            stream.strike()
        if self._streams:
            self.attend(min(stream.due for stream in self._streams.values()))
            self._feel_pulse(now)

    def now(self) -> float:
        """As `Carrier` has it."""
        return self._clock()

    def begin(self, stream: Http2Stream, request: PreparedRequest, begun: float, *, ends: bool) -> int:
        """As `Carrier` has it."""
        if self.ended is not None or self._farewell:
            return 0
        number = self._session.get_next_available_stream_id()
        try:
            self._session.send_headers(number, self._header_list(request), end_stream=ends)
        except TooManyStreamsError:  # the server has lowered its limit since the place was taken
            return 0
        if not self._streams:
            self.survived = self.gap
            self.gap = begun - self.returned if self.uses else math.inf
            self._pulse.rouse(begun)
            self.attend(self._pulse.due)
        self.uses += 1
        self._streams[number] = stream
        if number >= _LAST_NUMBER:
            self._retire(Closed.NOT_KEPT)
        return number

    def flush_together(self) -> None:
        """As `Carrier` has it."""
        if len(self._streams) <= 1:
            self.flush()
        elif not self._flushing:
            self._flushing = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """As `Carrier` has it."""
        self._flushing = False
        data = self._session.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def attend(self, due: float) -> None:
        """As `Carrier` has it."""
        if due < self.due:
            self.due = due
            if due < self.watched:
                self._deadlines.watch(self)

    def give_back(self, number: int, count: int) -> None:
        """As `Carrier` has it."""
        if self._session.is_open(number):
            self._session.increment_flow_control_window(count, number)

    def release(self, stream: Http2Stream, code: ErrorCodes | None) -> None:
        """As `Carrier` has it."""
        if self._streams.pop(stream.number, None) is not None:
            self.outflow.drop(stream.number)
            self._session.let_go(stream.number, code)
            self.flush_together()
        self._carried.discard(stream)
        if self._carried or self.ended is not None:
            return
        if self._closing is not None:
            self.close(self._closing)
        elif self.owner is not None:
            self.owner.vacated(self)

    def _state(self) -> str:
        state = super()._state()
        return f"{len(self._carried)} of {self._capacity} streams" if state == "in use" else state

    def _header_list(self, request: PreparedRequest) -> list[HeaderTuple]:
        if request.content:  # which would be kept with its list
            return request_fields(request)
        known = self._known.get(id(request))  # by identity: to hash a request would cost more than to build the list
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[id(request)] = (request, request_fields(request))  # which keeps the identity taken
        return known[1]

    def _note(self, event: Any) -> None:
        note = _NOTED.get(type(event))
        if note is not None:
            note(self, event)
            return
        if type(event) is DataReceived:
            self._note_bytes(event.flow_controlled_length)
        stream = self._streams.get(event.stream_id) if type(event) in HEARD else None
        if stream is not None:
            stream.hear(event, self._pulse.heard)

    def _note_settings(self, event: RemoteSettingsChanged) -> None:  # noqa: ARG002  # the session has them all
        self._capacity = min(MOST_STREAMS, self._session.remote_settings.max_concurrent_streams)
        self._settle()
        self.outflow.pump()

    def _note_window(self, event: WindowUpdated) -> None:  # noqa: ARG002  # the session has them all
        self.outflow.pump()

    def _note_farewell(self, event: ConnectionTerminated) -> None:
        self._farewell = True
        last = event.last_stream_id or 0
        for number, stream in tuple(self._streams.items()):
            if number > last:
                stream.refuse()
        self._retire(Closed.NOT_KEPT)

    def _note_bytes(self, count: int) -> None:
        self._taken += count
        if self._taken >= _CREDIT:
            taken, self._taken = self._taken, 0
            self._session.increment_flow_control_window(taken)

    def _feel_pulse(self, now: float) -> None:
        if now >= self._pulse.due:
            if self._pulse.is_in_doubt:
                self._pronounce_dead()
                return
            self._ask()
        self.attend(self._pulse.due)

    def _pronounce_dead(self) -> None:
        self.abandon(Closed.TIMEOUT)
        for stream in tuple(self._streams.values()):
            stream.break_off(timed_out(stream.layer))

    def _ask(self) -> None:
        if self._pulse.ask(self._clock()):
            self._session.ping(_PING)
            self.flush()

    def _retire(self, reason: Closed) -> None:
        if self._closing is not None or self.ended is not None:
            return
        self._closing = reason
        if self.owner is not None:
            self.owner.spoilt(self, reason)
        else:
            self.close(reason)

    def _break(self, refusal: ProtocolError) -> None:
        self.flush()  # the GOAWAY that says why
        reason = Closed.FAILED if self._carried else Closed.UNASKED
        self._end(reason)
        if self.outflow.held:  # by a server that sends, and does not read: to close in good order would take for ever
            self._transport.abort()
        else:
            self._transport.close()
        if self.owner is not None:
            self.owner.spoilt(self, reason)
        for stream in tuple(self._streams.values()):
            stream.break_off(_offence(refusal, stream))

    def _lose(self, cause: Exception | None) -> None:
        self._end(Closed.FAILED if self._streams else self._closing or Closed.SERVER)
        for stream in tuple(self._streams.values()):
            stream.lose(cause)

    def _end(self, reason: Closed) -> None:
        super()._end(reason)
        self._settle()

    def _settle(self) -> None:
        if not self.is_settled:
            self.is_settled = True
            if self.owner is not None:
                self.owner.settled(self)


def _offence(refusal: ProtocolError, stream: Http2Stream) -> RequestError:
    if isinstance(refusal, NotHttp2Error):
        error = RequestError("protocol", "bad-status-line", str(refusal), phase="wait")
    elif isinstance(refusal.__cause__, OversizedHeaderListError):
        error = RequestError("protocol", "header-too-large", str(refusal.__cause__), phase="wait")
    else:
        error = bad_framing(f"the server breaks HTTP/2's rules: {refusal}", phase=stream.layer)
    error.__cause__ = refusal
    return error


_NOTED: dict[type[Event], Callable[[Http2Connection, Any], None]] = {
    RemoteSettingsChanged: Http2Connection._note_settings,  # noqa: SLF001  # the class's own table
    WindowUpdated: Http2Connection._note_window,  # noqa: SLF001
    ConnectionTerminated: Http2Connection._note_farewell,  # noqa: SLF001
}
