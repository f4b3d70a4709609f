"""An HTTP/2 origin that does to each stream what a script says: h2 on the server's side, plain or over TLS.

    async def script(stream: Served) -> None:
        await stream.respond(200, b"hi")

    async with http2_origin(script) as origin:
        … origin.url, origin.peers[0].streams[0].headers …

A script that ends leaves its stream as it is. What h2 would refuse to send goes out by `Http2Peer.raw`.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import Frame, GoAwayFrame, SettingsFrame

Pairs = Iterable[tuple[bytes, bytes]]
Script = Callable[["Served"], Awaitable[None]]
Settings = dict[SettingCodes | int, int]
Greeting = Callable[["Http2Peer"], Awaitable[None]]


class Served:
    """One stream.

    Attributes:
        headers: of the request, in order.
        code: by which the client reset it, if it did.
        received, sent: bytes of content heard, and of body that the client's windows have let out.
    """

    def __init__(self, peer: "Http2Peer", number: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.peer = peer
        self.id = number
        self.headers = headers
        self.code: ErrorCodes | int | None = None
        self.received = self.sent = 0
        self._pieces: list[bytes] = []
        self._ended = False

    def header(self, name: bytes) -> bytes | None:
        """The value of the request's first field of that name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def path(self) -> bytes:
        """What was asked for."""
        return self.header(b":path") or b""

    async def content(self) -> bytes:
        """The request's content, once it was all heard."""
        await self.peer.until(lambda: self._ended)
        return b"".join(self._pieces)

    async def heard(self, count: int) -> None:
        """Wait until so many bytes of the request's content were heard."""
        await self.peer.until(lambda: self.received >= count)

    async def reset_by_client(self) -> ErrorCodes | int:
        """Wait until the client has reset the stream; gives the code."""
        await self.peer.until(lambda: self.code is not None)
        return cast("ErrorCodes | int", self.code)

    def credit(self, count: int) -> None:
        """Allow the client so many bytes more, on the stream and on the connection."""
        self.peer.h2.increment_flow_control_window(count, self.id)
        self.peer.h2.increment_flow_control_window(count)
        self.peer.flush()

    async def respond(self, status: int, body: bytes = b"", *, headers: Pairs = (), trailers: Pairs = ()) -> None:
        """A whole response."""
        self.head(status, headers, end=not body and not trailers)
        if body:
            await self.say(body, end=not trailers)
        if trailers:
            self.trailers(trailers)

    def head(self, status: int, headers: Pairs = (), *, end: bool = False) -> None:
        """The head of a response, or, with a status below 200, an interim one."""
        self.peer.h2.send_headers(self.id, [(b":status", b"%d" % status), *headers], end_stream=end)
        self.peer.flush()

    async def say(self, data: bytes, *, end: bool = False) -> None:
        """A piece of the body, as the windows allow."""
        h2 = self.peer.h2
        while data:
            await self.peer.until(lambda: self.code is not None or h2.local_flow_control_window(self.id) > 0)
            room = min(h2.local_flow_control_window(self.id), h2.max_outbound_frame_size)
            piece, data = data[:room], data[room:]
            h2.send_data(self.id, piece, end_stream=end and not data)
            self.sent += len(piece)
            await self.peer.drained()

    def end(self) -> None:
        """The body is over."""
        self.peer.h2.end_stream(self.id)
        self.peer.flush()

    def trailers(self, trailers: Pairs) -> None:
        """The trailer fields, which end the stream."""
        self.peer.h2.send_headers(self.id, list(trailers), end_stream=True)
        self.peer.flush()

    def reset(self, code: ErrorCodes = ErrorCodes.INTERNAL_ERROR) -> None:
        """RST_STREAM."""
        self.peer.h2.reset_stream(self.id, code)
        self.peer.flush()

    def _hear(self, data: bytes) -> None:
        self._pieces.append(data)
        self.received += len(data)

    def _end(self) -> None:
        self._ended = True


class Http2Peer(asyncio.Protocol):
    """The server's end of one connection.

    Attributes:
        h2: its state; call `flush` after using it directly.
        streams: every stream so far.
        deaf: hear nothing any more, so that not even a PING is answered.
        pongs: PINGs of ours that the client has answered.
        farewell: the client's GOAWAY.
        lost: whether the connection is closed.
    """

    def __init__(self, origin: "Http2Origin") -> None:
        self._origin = origin
        self._changed = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self.h2 = H2Connection(
            H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.number = len(origin.peers) + 1
        self.streams: list[Served] = []
        self.deaf = False
        self.pongs = 0
        self.farewell: ConnectionTerminated | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._origin.peers.append(self)
        if self._origin.greeting is not None:
            self._origin.play(partial(self._origin.greeting, self))
        else:
            self.greet()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # that it is gone is all
        self.lost = True
        self._open.set()
        self._changed.set()

    def pause_writing(self) -> None:
        self._open.clear()

    def resume_writing(self) -> None:
        self._open.set()

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
        except ProtocolError as err:
            self._origin.complaints.append(err)
        self.flush()
        self._changed.set()

    def greet(self) -> None:
        """Send the server's preface: its SETTINGS."""
        self.h2.initiate_connection()
        self.h2.clear_outbound_data_buffer()  # ours are said in the first frame, and hold once the client has heard it
        self.h2.local_settings.update(self._origin.settings)
        self.raw(SettingsFrame(0, settings=self._origin.settings))

    def flush(self) -> None:
        """Send what h2 has to send."""
        data = self.h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def raw(self, *frames: Frame | bytes) -> None:
        """Send these as they are, after what h2 had to send."""
        self.flush()
        self._transport.write(b"".join(frame if isinstance(frame, bytes) else frame.serialize() for frame in frames))

    def change(self, settings: Settings) -> None:
        """Change settings while the connection lives."""
        self.h2.update_settings(settings)
        self.flush()

    def goaway(self, last: int, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """GOAWAY; not by h2, which would send nothing after it."""
        frame = GoAwayFrame(0)
        frame.last_stream_id, frame.error_code = last, code
        self.raw(frame)

    def ping(self) -> None:
        """PING."""
        self.h2.ping(b"are you?")
        self.flush()

    def pause(self) -> None:
        """Read nothing from the socket any more."""
        self._transport.pause_reading()

    def half_close(self) -> None:
        """Say that no more will come."""
        self._transport.write_eof()

    def close(self) -> None:
        """Close in good order."""
        self._transport.close()

    def reset(self) -> None:
        """Close with RST."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def drained(self) -> None:
        """Send what h2 has to send, and wait until the kernel has nearly all of it."""
        self.flush()
        await self._open.wait()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true that what the client says makes true, or until the connection is lost."""
        while not true():
            if self.lost:
                raise ConnectionError("the client has closed")
            self._changed.clear()
            await self._changed.wait()

    async def gone(self) -> None:
        """Wait until the connection is closed."""
        while not self.lost:
            self._changed.clear()
            await self._changed.wait()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                stream = Served(self, event.stream_id, [(bytes(name), bytes(value)) for name, value in event.headers])
                self.streams.append(stream)
                self._origin.play(partial(self._origin.script, stream))
            case DataReceived():
                self._stream(event.stream_id)._hear(event.data)
                if self._origin.credit and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self._stream(event.stream_id)._end()
            case StreamReset():
                self._stream(event.stream_id).code = event.error_code
            case PingAckReceived():
                self.pongs += 1
            case ConnectionTerminated():
                self.farewell = event

    def _stream(self, number: int) -> Served:
        return next(stream for stream in self.streams if stream.id == number)


class Http2Origin:
    """The running origin: where it is, every connection it has had, and what h2 had to object to in the client."""

    def __init__(self, script: Script, greeting: Greeting | None, settings: Settings, *, credit: bool) -> None:
        self.script = script
        self.greeting = greeting
        self.settings = settings
        self.credit = credit
        self.port = 0
        self.url = ""
        self.peers: list[Http2Peer] = []
        self.complaints: list[ProtocolError] = []
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def streams(self) -> list[Served]:
        """Every stream so far, connection by connection."""
        return [stream for peer in self.peers for stream in peer.streams]

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run a script beside the others."""
        self.tasks.add(asyncio.get_running_loop().create_task(_played(script)))


async def _played(script: Callable[[], Awaitable[None]]) -> None:
    # That the client goes away, or resets the stream, in the middle of the script is what many tests want.
    with suppress(ConnectionError, StreamClosedError):
        await script()


@asynccontextmanager
async def http2_origin(
    script: Script,
    *,
    context: ssl.SSLContext | None = None,
    settings: Settings | None = None,
    greeting: Greeting | None = None,
    credit: bool = True,
) -> AsyncIterator[Http2Origin]:
    """Serve each stream by the script; everything ends with the block.

    Args:
        script: called with each stream once its request's head is there.
        context: over TLS, ALPN h2; without, clients need prior knowledge.
        settings: the server's first SETTINGS.
        greeting: called with each new connection, instead of sending the server's preface (`Http2Peer.greet`).
        credit: whether the windows for the request's content are opened as it arrives.
    """
    origin = Http2Origin(script, greeting, settings or {}, credit=credit)
    if context is not None:
        context.set_alpn_protocols(["h2", "http/1.1"])
    serving = await asyncio.get_running_loop().create_server(lambda: Http2Peer(origin), "127.0.0.1", 0, ssl=context)
    origin.port = serving.sockets[0].getsockname()[1]
    origin.url = f"https://localhost:{origin.port}/" if context else f"http://127.0.0.1:{origin.port}/"
    try:
        yield origin
    finally:
        serving.close()
        for task in origin.tasks:
            task.cancel()
        outcomes = await asyncio.gather(*origin.tasks, return_exceptions=True)
        for peer in origin.peers:
            peer._transport.abort()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


def answers(*texts: bytes) -> Script:
    """Answer the streams with these bodies, in order, the last again and again; the request's content is read first."""
    count = 0

    async def script(stream: Served) -> None:
        nonlocal count
        text = texts[min(count, len(texts) - 1)]
        count += 1
        await stream.content()
        await stream.respond(200, text, headers=[(b"content-length", b"%d" % len(text))])

    return script


async def silence(stream: Served) -> None:
    """Hear the request and say nothing."""
    await stream.peer.gone()
