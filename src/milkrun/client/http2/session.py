"""One HTTP/2 session apart from sockets: h2's connection, as a client that is to survive bad servers needs it.

Five things h2 has otherwise, and this changes:
- after a GOAWAY, h2 refuses every frame; but streams that the server has accepted run on to their end (RFC 9113 6.8);
- what is wrong with one response ends the connection in h2; it ends the stream (8.1.1);
- what came before a bad frame in the same piece is lost in h2; here it has happened;
- a frame that is longer than was allowed h2 refuses once it has all of it, up to 16 MB; here its head is enough (4.2);
- frames that bring nothing are not counted in h2; here they are, so that a flood of them can be told (10.5).
"""

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamReset, TrailersReceived
from h2.exceptions import DenialOfServiceError, FlowControlError, FrameTooLargeError, ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from h2.stream import StreamClosedBy, StreamState
from hpack.exceptions import HPACKError
from hyperframe.frame import DataFrame, Frame, HeadersFrame, RstStreamFrame, SettingsFrame

from milkrun.client.http2.encoder import RememberingEncoder

STREAM_WINDOW = 1024 * 1024  # bytes of a body that the server may send ahead of its reader
CONNECTION_WINDOW = 64 * 1024 * 1024  # of all bodies together: so large that one slow reader holds no other up
_FIRST_WINDOW = 65_535  # what every connection begins with (6.9.2)
# The decoder stops at so many times the limit of a head, and with it the connection, for the table is out of step then:
# up to there only the stream ends.
_BOMB = 4
_FRAMING = 9  # bytes of a frame's own
_MOST_BARREN = 1000  # frames in a row that bring nothing, before they are a flood
_FRUITFUL = (ResponseReceived, TrailersReceived, StreamReset)

# Fields are judged by `fields`, faster than by h2, and with the stream alone at stake.
_CONFIG = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
)


class Malformed(Event):
    """A response that breaks the rules: its stream was reset."""

    def __init__(self, stream_id: int, cause: ProtocolError) -> None:
        self.stream_id = stream_id
        self.cause = cause


class NotHttp2Error(ProtocolError):
    """The server's first words are not HTTP/2's."""


class _Open(H2ConnectionStateMachine):
    """A connection is open until its transport closes, whatever GOAWAY was said; what is wrong, streams tell."""

    def process_input(self, input_: ConnectionInputs) -> list[Event]:  # noqa: ARG002  # no input changes the state
        return []


class Session(H2Connection):
    """The client's side of one session."""

    MAX_CLOSED_STREAMS = 2000  # that h2 remembers, for frames still in flight: 65,536 would be 6 MB a connection

    def __init__(self, *, max_head: int) -> None:
        super().__init__(_CONFIG)
        self.state_machine = _Open()
        self.encoder = RememberingEncoder()
        self.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: max_head,
            },
        )
        self.decoder.max_header_list_size = _BOMB * max_head
        self._barren = 0  # frames in a row that brought nothing
        self._begun = False
        self._first = b""  # bytes of the first frame's head
        self._events: list[Event] = []

    def greet(self) -> None:
        """Prepare the client's preface, and open the connection's window."""
        self.initiate_connection()
        self.increment_flow_control_window(CONNECTION_WINDOW - _FIRST_WINDOW)

    def hear(self, data: bytes) -> None:
        """Take in what arrived; `take` says what happened. Raises ProtocolError when the connection is to end."""
        if not self._begun:
            self._judge_begin(data)
        self.receive_data(data)
        self._judge_rest()

    def take(self) -> list[Event]:
        """What happened since it was last asked for, in order."""
        events, self._events = self._events, []
        return events

    def send_data(
        self, stream_id: int, data: bytes | memoryview, end_stream: bool = False, pad_length: int | None = None
    ) -> None:
        """As h2 has it."""
        self._barren = 0  # the window updates that content takes have brought something
        super().send_data(stream_id, data, end_stream, pad_length)

    def is_open(self, number: int) -> bool:
        """Whether a stream has not ended. What arrives in one piece ends streams before any of it is told."""
        stream = self.streams.get(number)
        return stream is not None and not stream.closed

    @property
    def open_outbound_streams(self) -> int:
        """As h2 has it, which looks at each stream for each that begins: here those that are over are gone."""
        return len(self.streams)

    def let_go(self, number: int, code: ErrorCodes | None) -> None:
        """An exchange is over: with a code its stream is reset, unless it has ended."""
        stream = self.streams.get(number)  # h2 itself forgets those that ended, now and then
        if stream is None:
            return
        if code is not None and not stream.closed:
            self.reset_stream(number, code)
        if stream.closed:
            del self.streams[number]
            self._closed_streams[number] = stream.closed_by

    def clear_outbound_data_buffer(self) -> None:
        """Do nothing: h2 calls it at a GOAWAY, after which streams go on."""

    def _judge_begin(self, data: bytes) -> None:
        self._first += data[:_FRAMING]
        # The length of the first frame could be that of any text; its type cannot (3.4).
        if self._first[3:4] not in (b"", b"\x04"):
            raise NotHttp2Error(f"the server's answer begins {self._first + data[_FRAMING:40]!r}; expected HTTP/2")

    def _judge_rest(self) -> None:
        rest = self.incoming_buffer._data  # noqa: SLF001  # h2 has no other way to a frame that is not complete
        length = int.from_bytes(rest[:3]) if len(rest) >= _FRAMING else 0
        if length > self.max_inbound_frame_size:
            self._terminate_connection(ErrorCodes.FRAME_SIZE_ERROR)
            raise FrameTooLargeError(f"a frame has {length:,} bytes; {self.max_inbound_frame_size:,} were allowed")

    def _receive_frame(self, frame: Frame) -> list[Event]:
        self._judge(frame)
        try:
            events = super()._receive_frame(frame)
        except ProtocolError as err:
            if not self._is_the_streams_own(frame, err):
                raise
            events = [self._refuse(frame.stream_id, err)]
        if isinstance(frame, HeadersFrame) and frame.stream_id in self.streams:
            # h2 would hold a 304 to the length of the body that it does not have: `reply` counts.
            self.streams[frame.stream_id]._expected_content_length = None  # noqa: SLF001
        self._count(frame, events)
        self._events += events
        return events

    def _count(self, frame: Frame, events: list[Event]) -> None:
        if _is_fruitful(events):
            self._barren = 0
        elif not isinstance(frame, DataFrame) or len(frame.data) < _FRAMING:  # else of a stream just reset, in bulk
            self._barren += 1
            if self._barren > _MOST_BARREN:
                raise DenialOfServiceError(f"{_MOST_BARREN} frames in a row brought nothing")

    def _judge(self, frame: Frame) -> None:
        if not self._begun:
            if not isinstance(frame, SettingsFrame) or "ACK" in frame.flags:
                raise NotHttp2Error(f"the server's first frame is {type(frame).__name__}; expected SETTINGS")
            self._begun = True
        if isinstance(frame, HeadersFrame) and frame.stream_id % 2 == 0:
            raise ProtocolError("the server opened a stream, which only a push may do, and none was allowed")

    def _is_the_streams_own(self, frame: Frame, error: ProtocolError) -> bool:
        return (
            isinstance(frame, HeadersFrame | DataFrame)
            and frame.stream_id in self.streams
            and not isinstance(error, StreamClosedError | FlowControlError | DenialOfServiceError)
            and not isinstance(error.__cause__, HPACKError)
        )

    def _refuse(self, number: int, error: ProtocolError) -> Event:
        machine = self.streams[number].state_machine
        machine.state = StreamState.CLOSED
        machine.stream_closed_by = StreamClosedBy.SEND_RST_STREAM  # so that what is in flight yet does no harm
        frame = RstStreamFrame(number)
        frame.error_code = ErrorCodes.PROTOCOL_ERROR
        self._prepare_for_sending([frame])
        return Malformed(number, error)


def _is_fruitful(events: list[Event]) -> bool:
    first = events[0] if events else None
    if isinstance(first, DataReceived):
        return bool(first.data) or first.stream_ended is not None
    return isinstance(first, _FRUITFUL)
