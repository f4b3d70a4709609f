"""An HTTP/2 connection of ours and h2 as its server, with nothing between them but what the test hands on."""

import asyncio
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

from milkrun.client import Client
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed, Link
from milkrun.client.exchange.trip import Trip
from milkrun.client.http1.wire import Received
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.http2.stream import Http2Stream
from milkrun.client.request import PreparedRequest
from milkrun.client.timings import Timings
from tests.support.transports import KeptTransport

MAX_HEAD = 2000


class Noting:
    """An owner that notes what it is told, and closes what is spoilt, as owners do."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def expired(self, connection: Link, now: float) -> None:  # noqa: ARG002  # as the protocol has it
        self.told.append("expired")

    def ending(self, connection: Link) -> None:  # noqa: ARG002  # as above
        self.told.append("ending")

    def spoilt(self, connection: Link, reason: Closed) -> None:
        self.told.append(reason)
        connection.close(reason)

    def settled(self, connection: Link) -> None:  # noqa: ARG002  # as above
        self.told.append("settled")

    def vacated(self, connection: Link) -> None:  # noqa: ARG002  # as above
        self.told.append("vacated")

    def lost(self, connection: Link) -> None:  # noqa: ARG002  # as above
        self.told.append("lost")


class Still(Deadlines):
    """Deadlines that strike when the test says so, and by no timer."""

    def _arm(self) -> None:
        """Time stands still."""


class Pair:
    """Both ends. Time stands still unless the test changes `now`.

    Attributes:
        connection, transport: ours.
        server: h2's end.
        told: what the owner was told.
    """

    def __init__(
        self, settings: dict[SettingCodes, int] | None = None, *, owned: bool = True, greet: bool = True
    ) -> None:
        loop = asyncio.get_running_loop()
        self.now = 1000.0
        self.connection = Http2Connection(
            loop=loop,
            deadlines=Still(loop, lambda: self.now),
            clock=lambda: self.now,
            max_head=MAX_HEAD,
            patience=60,
            jitter=1,
        )
        self.transport = KeptTransport()
        self.connection.connection_made(self.transport)
        owner = Noting()
        self.told = owner.told
        if owned:
            self.connection.owner = owner
        self.server = H2Connection(
            H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.server.local_settings = Settings(client=False, initial_values=settings or {})
        self.server.initiate_connection()
        self._client = Client(max_body=5000, drain_limit=50)
        if greet:
            self.hear()
            self.say()
            self.hear()
            self.told.clear()

    def prepare(self, method: str = "GET", **options: Any) -> PreparedRequest:
        """A request."""
        return self._client.prepare(method, "http://a.test/x?y", **options)

    def trip(self, timeout: float = 60.0) -> Trip:
        """A trip that starts now."""
        return Trip(self.now, self.now + timeout, self.now, Timings())

    def start(self, method: str = "GET", *, timeout: float = 60.0, **options: Any) -> "Started":
        """A request on its way, and heard by the server."""
        stream, trip = self.connection.join(), self.trip(timeout)
        answer = stream.start(self.prepare(method, **options), trip)
        return Started(stream, trip, answer, self.hear())

    def open(self, method: str = "GET", **options: Any) -> "Opened":
        """A request whose response is read in pieces."""
        stream, trip = self.connection.join(), self.trip()
        opened = Opened(stream, trip)
        stream.open(self.prepare(method, **options), trip, opened.inflow, opened.interim.append)
        self.hear()
        return opened

    def hear(self) -> list[Event]:
        """Hand to the server what ours has written."""
        self.connection.flush()
        written, self.transport.written = self.transport.written, b""
        return self.server.receive_data(written)

    def say(self, *frames: Frame | bytes) -> None:
        """Hand to ours what the server has to send, and then these as they are."""
        raw = b"".join(frame if isinstance(frame, bytes) else frame.serialize() for frame in frames)
        self.connection.data_received(self.server.data_to_send() + raw)

    def respond(self, number: int, status: int = 200, body: bytes = b"", *fields: tuple[bytes, bytes]) -> None:
        """Answer a stream."""
        self.server.send_headers(number, [(b":status", b"%d" % status), *fields], end_stream=not body)
        if body:
            self.server.send_data(number, body, end_stream=True)
        self.say()


class Started:
    """An exchange under way, and what the server heard of it."""

    def __init__(self, stream: Http2Stream, trip: Trip, answer: asyncio.Future[Received], heard: list[Event]) -> None:
        self.stream = stream
        self.trip = trip
        self.answer = answer
        self.heard = heard
        self.number = stream.number


class Opened:
    """An exchange in pieces; `ends` is what its body's end was told."""

    def __init__(self, stream: Http2Stream, trip: Trip) -> None:
        self.stream = stream
        self.trip = trip
        self.ends: list[bool] = []
        self.interim: list[bytes] = []
        self.inflow = Inflow(self.ends.append)

    @property
    def number(self) -> int:
        """Of the stream."""
        return self.stream.number

    @property
    def answer(self) -> asyncio.Future[Received]:
        """Brings the opening."""
        return self.stream.answer


def goaway(last: int, code: ErrorCodes = ErrorCodes.NO_ERROR) -> GoAwayFrame:
    """The server takes nothing after this stream."""
    frame = GoAwayFrame(0)
    frame.last_stream_id, frame.error_code = last, code
    return frame


def of(events: list[Event], kind: type[Event]) -> list[Any]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]
