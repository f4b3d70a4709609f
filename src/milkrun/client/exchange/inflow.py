"""The body of a response on its way to its reader: a connection fills it, the reader empties it, bounded between."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from milkrun.client.headers import RawPairs

HIGH_WATER = 256 * 1024  # bytes that may wait for the reader before the sender is held back


class Source(Protocol):
    """Where a body comes from: told how far its reader is, so that it can hold the sender back."""

    def await_more(self, seconds: float) -> None:
        """The reader waits: fail the exchange (receive/timeout) if nothing comes within so many seconds."""

    def consumed(self, count: int, waiting: int) -> None:
        """The reader has taken `count` bytes, `waiting` bytes are still to be taken."""


class Inflow:
    """One body.

    The connection's side: `source` is set before the first piece; then `feed` pieces, and at last either `finish` or
    `fail`. The reader's side: `read`.

    Attributes:
        source: where it comes from.
        waiting: bytes that are there and not read yet.
        complete: whether the whole body has arrived.
        trailers: the trailer fields, known once it is complete.
        error: what it broke off with, if it did.
    """

    def __init__(self, on_end: Callable[[bool], None]) -> None:
        """`on_end` is called once, when nothing more will arrive, with whether the connection may be kept."""
        self.source: Source  # from before the first piece on
        self.waiting = 0
        self.complete = False
        self.trailers: RawPairs = ()
        self.error: Exception | None = None
        self._on_end = on_end
        self._pieces: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "complete" if self.complete else "open" if self.error is None else "broken off"
        return f"<Inflow: {state}, {self.waiting} bytes waiting>"

    def feed(self, piece: bytes) -> None:
        """A piece has arrived."""
        self._pieces.append(piece)
        self.waiting += len(piece)
        self._wake()

    def finish(self, trailers: RawPairs, *, keep: bool) -> None:
        """The body is complete."""
        self.complete = True
        self.trailers = trailers
        self._on_end(keep)
        self._wake()

    def fail(self, error: Exception) -> None:
        """Nothing more will come; the reader gets the error once it has read what was there."""
        self.error = error
        self._on_end(False)
        self._wake()

    async def read(self, patience: float) -> bytes:
        """The next piece, b"" at the end. `patience`: seconds that may pass until it comes.

        Raises:
            RequestError: layer receive, protocol or body, when the body cannot be read to its end.
        """
        if not self._pieces and not self.complete and self.error is None:
            await self._wait(patience)
        if self._pieces:
            piece = self._pieces.popleft()
            self.waiting -= len(piece)
            self.source.consumed(len(piece), self.waiting)
            return piece
        if self.error is not None:
            raise self.error
        return b""

    def interrupt(self) -> None:
        """Let a reader who waits go with what there is, be it nothing."""
        self._wake()

    async def _wait(self, patience: float) -> None:
        reader = self._reader = asyncio.get_running_loop().create_future()
        self.source.await_more(patience)
        try:
            await reader
        finally:
            if self._reader is reader:  # one who was interrupted may have a follower
                self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
