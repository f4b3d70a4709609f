"""HTTP/2 as a misbehaving origin speaks it."""

import contextlib
from functools import partial

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, RequestReceived
from h2.exceptions import StreamClosedError, StreamIDTooLowError

from benchmarks.faulty.mischief import IN_FRAMES, Mischief, Mood, body
from benchmarks.faulty.served import Served


class Frames(Served):
    """One connection: requests without content, many at once. What h2 objects to in a client is logged and ends it."""

    def __init__(self, mood: Mood) -> None:
        super().__init__(mood)
        self._h2 = H2Connection(H2Configuration(client_side=False))

    def begin(self) -> None:
        """As `Served` has it."""
        self._h2.initiate_connection()
        self._flush()

    def hear(self, data: bytes) -> None:
        """As `Served` has it."""
        events = self._h2.receive_data(data)
        if any(isinstance(event, ConnectionTerminated) for event in events):
            self.close()  # the client wants nothing any more
            return
        for event in events:
            if isinstance(event, RequestReceived):
                self._answer(event.stream_id, dict(event.headers)[b":path"].decode())
        self._flush()

    def _answer(self, stream: int, path: str) -> None:
        self.asked += 1
        content = body(path)
        middle = len(content) // 2
        mischief = self.mood.decide(IN_FRAMES)
        match mischief:
            case None | Mischief.LEAVE | Mischief.UNASKED:
                self._say(stream, content)
            case Mischief.GOAWAY:
                self._say(stream, content)
                self._h2.close_connection()
            case Mischief.SLOW:
                self.late(self._say, stream, content)
            case Mischief.TRUNCATE:
                self._say(stream, content[:middle], end=False)
            case Mischief.PAUSE:
                self._say(stream, content[:middle], end=False)
                self.late(partial(self._say, stream, content[middle:], head=False))
            case Mischief.RST_STREAM:
                with contextlib.suppress(StreamClosedError):  # as in `_say`
                    self._h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        self._flush()
        if mischief is not None:
            self.part(mischief)

    def _say(self, stream: int, piece: bytes, *, head: bool = True, end: bool = True) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        with contextlib.suppress(StreamClosedError, StreamIDTooLowError):  # the client has given it up meanwhile
            if head:
                self._h2.send_headers(stream, [(b":status", b"200")])
            self._h2.send_data(stream, piece, end_stream=end)
        self._flush()

    def _flush(self) -> None:
        self.say(self._h2.data_to_send())
