"""A response whose body is read as it arrives."""

import asyncio
import math
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

from milkrun.client.charset import text
from milkrun.client.coding import decoder, in_turns
from milkrun.client.errors import ClientError, UsageError
from milkrun.client.exchange.flight import Flight
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.headers import Headers
from milkrun.client.home import Home
from milkrun.client.http1.wire import Received
from milkrun.client.response import Hop, Opening, coding
from milkrun.client.timings import Timings

_DRAIN_SECONDS = 1.0  # for the rest of a body that nobody wants: a new connection costs less than a longer wait


class StreamedResponse(Opening):
    """A response whose head is here, and whose body is still to be read: once, in pieces or as a whole.

    Attributes:
        connection, stale_retry, history: as `Response` has them.
        warnings: what was read although it should not have been sent so.
        interim: the interim (1xx) responses before it: status and fields.
    """

    _is_closed = True  # until it is made: `__del__` may come before that

    def __init__(self, flight: Flight, received: Received, *, patience: Callable[[], float], drain_limit: int) -> None:
        trip = flight.trip
        self.request = flight.request
        self.received = received
        self.headers = Headers.from_head(received.head)
        self.stale_retry = trip.stale_retry
        self.warnings: tuple[str, ...] = trip.warnings + received.warnings
        self.history: tuple[Hop, ...] = trip.history
        self.connection = flight.facts
        self.interim = tuple(flight.interim)
        self._home = Home.here("response")
        self._flight = flight
        self._patience = patience
        self._drain_limit = drain_limit
        self._is_taken = self._is_closed = False
        self._size = 0

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "complete" if self._flight.is_complete else "open"
        return f"<StreamedResponse {self.status} {self.url}: {state}, {self._size} bytes read>"

    def __del__(self, warn: Callable[..., None] = warnings.warn) -> None:
        # Its connection, and its place among the requests in flight, would else be gone, and that without a word.
        if not self._is_closed and not self._flight.is_over:
            if (loop := self._home.loop) is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._flight.cut)  # not here: a collection comes in the middle of anything
            warn(f"unclosed {self!r}; use `async with` or `await aclose()`", ResourceWarning, source=self)

    @property
    def timings(self) -> Timings:
        """Seconds by phase, summed over redirects and a stale retry; `receive` and `total` once the body has ended."""
        return self._flight.trip.timings

    @property
    def stream_id(self) -> int | None:
        """The number of its stream on a connection of HTTP/2, None on any other."""
        return self._flight.exchange.stream_id

    def get_extra_info(self, name: str) -> Any:
        """What is known of the connection, by the names of asyncio's transports: "socket", "ssl_object" and so on."""
        return self._flight.exchange.get_extra_info(name)

    @property
    def bytes_received(self) -> int:
        """How much of the body was read so far, codings still on."""
        return self._size

    @property
    def trailers(self) -> Headers:
        """The trailer fields (RFC 9110 6.5); empty until the body has arrived to its end."""
        return Headers(self._flight.trailers)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come, content codings undone. Raises RequestError where it breaks off."""
        undo = decoder(coding(self.headers), cap=self.request.max_body)
        async for received in self.raw():
            async for piece in in_turns(undo.pieces(received)):
                yield piece
        undo.finish()

    async def raw(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come, content codings still on."""
        self._check()
        if self._is_taken:
            raise UsageError("the body was read already, it comes only once; keep what you read")
        self._is_taken = True
        while piece := await self._read():
            self._size += len(piece)
            yield piece

    async def read(self) -> bytes:
        """The whole body, content codings undone."""
        return b"".join([piece async for piece in self])

    async def text(self) -> str:
        """The whole body as text, by the charset of its Content-Type, else as UTF-8."""
        return text(await self.read(), self.headers.get("content-type", ""))

    @property
    def tunnel(self) -> Tunnel:
        """The connection itself, after a 101 that was asked for or a CONNECT that was granted.

        It is closed with the response. Raises UsageError after any other response.
        """
        if not self.request.takes_over(self.status):
            message = f"a {self.status} in answer to {self.request.method} does not hand the connection over"
            raise UsageError(f"{message}; read the body instead")
        self._check()
        return self._flight.hand_over()

    async def discard(self, *, within: float = _DRAIN_SECONDS) -> None:
        """Nobody wants the rest: read it if it is little, so that the connection can be kept; else give it up.

        `within`: seconds to wait for it.
        """
        self._close()
        try:
            if not (self._flight.is_over or self._is_much() or self.request.takes_over(self.status)):
                await self._drain(within)
        finally:
            self._flight.cut()

    async def aclose(self) -> None:
        """Be done with the response; harmless when repeated. What was not read of the body is discarded."""
        await self.discard()

    def cut(self) -> None:
        """Be done with it at once, whatever is still to come."""
        self._close()
        self._flight.cut()

    async def _read(self) -> bytes:
        self._check()
        piece = await self._flight.read(self._patience())
        self._check()  # it may have been closed meanwhile, and no piece is not the end then
        return piece

    def _close(self) -> None:
        self._home.check()
        self._is_closed = True
        self._flight.interrupt()

    def _check(self) -> None:
        self._home.check()
        if self._is_closed:
            raise UsageError("the response is closed; use its body or its tunnel before")

    def _is_much(self) -> bool:
        """Whether the rest is known to be more than is drained."""
        length = self.headers.get("content-length", "")
        return length.isdecimal() and int(length) - self._size > self._drain_limit

    async def _drain(self, seconds: float) -> None:
        self._flight.stop_upload()
        left = self._drain_limit
        try:
            async with asyncio.timeout(seconds):
                while left >= 0 and (piece := await self._flight.read(math.inf)):
                    left -= len(piece)
        except (TimeoutError, ClientError):
            return  # whatever is wrong with it, nobody wants it
