"""A connection as a misbehaving origin sees it: what HTTP/1.1 and HTTP/2 have in common."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

from benchmarks.faulty.mischief import Mischief, Mood

NOISE = b"\0nobody asked for this\r\n\r\n"


class Served(asyncio.Protocol):
    """What comes before the connection is made is kept until it is."""

    transport: asyncio.Transport | None = None
    asked = 0  # requests so far

    def __init__(self, mood: Mood) -> None:
        self.mood = mood
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self.transport = cast("asyncio.Transport", transport)
        self.begin()
        if self._early:
            self.hear(self._early)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """As asyncio has it: what is still to be said later finds nobody."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        if self.transport is None:
            self._early += data
        else:
            self.hear(data)

    def begin(self) -> None:
        """The connection stands."""

    def hear(self, data: bytes) -> None:
        """The client says this."""
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        """Say this, if anybody listens."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def late(self, act: Callable[..., None], *arguments: Any) -> None:
        """Do this only in a while."""
        asyncio.get_running_loop().call_later(self.mood.lateness(), act, *arguments)

    def close(self) -> None:
        """Close in good order."""
        if self.transport is not None:
            self.transport.close()

    def _babble(self, asked: int) -> None:
        if self.asked == asked:  # else it could end up inside a body, where nobody can tell
            self.say(NOISE)

    def _reset(self) -> None:
        if self.transport is not None:
            reset_at_close(self.transport.get_extra_info("socket"))
            self.transport.abort()

    def part(self, mischief: Mischief) -> None:
        """Do to the connection what is done to it apart from any answer."""
        match mischief:
            case Mischief.RESET:
                self._reset()
            case Mischief.CLOSE | Mischief.TRUNCATE | Mischief.GOAWAY:
                self.close()
            case Mischief.LEAVE:
                asyncio.get_running_loop().call_later(self.mood.patience(), self.close)
            case Mischief.UNASKED:
                asyncio.get_running_loop().call_later(self.mood.patience(), self._babble, self.asked)
            case Mischief.GARBAGE:
                self.say(NOISE)


def reset_at_close(sock: socket.socket) -> None:
    """Let the socket's close be RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
