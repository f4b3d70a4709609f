"""The conversation with a proxy, until the connection is the target's."""

import asyncio
import re
from typing import cast

from milkrun.client.dial.doorstep import Doorstep

_HEAD_END = re.compile(rb"\r?\n\r?\n")  # RFC 9112 2.2: a lone LF may be read as a line's end


class NonsenseError(Exception):
    """What the proxy said is not what was agreed."""


class Dialogue(asyncio.Protocol):
    """Says and hears what is agreed with a proxy, and keeps all that came after it for the target's protocol.

    One reader at a time. Reading raises OSError once the connection is lost.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport  # from connection_made on, before which nobody has the dialogue
        self._heard = bytearray()
        self._lost = False
        self._reason: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        self._heard += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._lost = True
        self._reason = exc
        self._wake()

    def say(self, data: bytes) -> None:
        """Send this; it is little enough to fit any buffer."""
        self._transport.write(data)

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._heard) < count:
            await self._more()
        return self._take(count)

    async def head(self, begin: bytes, most: int) -> bytes:
        """The next message's head, with the empty line that ends it.

        Raises NonsenseError as soon as it does not `begin` so, and when it has not ended within `most` bytes: who
        waited for the rest of a banner would have the target blamed for the silence.
        """
        while (end := _HEAD_END.search(self._heard, 0, most)) is None:
            if len(self._heard) >= most or self._heard[: len(begin)] != begin[: len(self._heard)]:
                raise NonsenseError
            await self._more()
        return self._take(end.end())

    def step_aside(self) -> Doorstep:
        """Leave the connection to the target, with all that came meanwhile; nothing more is read."""
        doorstep = Doorstep()
        doorstep.connection_made(self._transport)
        self._transport.set_protocol(doorstep)
        if self._heard:
            doorstep.data_received(bytes(self._heard))
        if self._lost:
            doorstep.connection_lost(self._reason)
        return doorstep

    async def _more(self) -> None:
        if self._lost:
            raise self._reason if isinstance(self._reason, OSError) else ConnectionResetError("closed")
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _take(self, count: int) -> bytes:
        taken = bytes(self._heard[:count])
        del self._heard[:count]
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
