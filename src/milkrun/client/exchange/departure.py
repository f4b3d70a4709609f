"""When a large request has really gone: for that is where the phase `send` ends.

Loops tell when their buffer has been written, but TLS hands all it has to the transport beneath, whose buffer nobody
tells of. So that one is looked at.
"""

import asyncio
from collections.abc import Callable

LARGE = 64 * 1024  # bytes: more than this may not fit the socket's buffer
_LOOK = 0.005  # seconds between two looks


class Departure:
    """Watches what is written to a transport leave.

    Args:
        transport: written to by its protocol.
        beneath: what TLS writes to, None without TLS.
        loop: theirs.
        on_gone: called when nothing waits any more, once for each `look` that found something waiting or did not.

    Attributes:
        is_held: whether the loop has said that its buffer is full, and not yet that it is empty.
    """

    __slots__ = ("_beneath", "_loop", "_on_gone", "_transport", "is_held")

    def __init__(
        self,
        transport: asyncio.Transport,
        beneath: asyncio.Transport | None,
        *,
        loop: asyncio.AbstractEventLoop,
        on_gone: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._beneath = beneath
        self._loop = loop
        self._on_gone = on_gone
        self.is_held = False

    @property
    def is_over(self) -> bool:
        """Whether nothing waits."""
        return not self.is_held and (self._beneath is None or self._is_empty(self._beneath))

    def tighten(self) -> None:
        """From now on, have the loop say so as soon as something waits, and when nothing does."""
        # Not 0: TLS would take an empty buffer for a full one, and not say when it is empty again.
        self._transport.set_write_buffer_limits(high=1)

    def look(self) -> None:
        """Call `on_gone` as soon as nothing waits: now, when `is_held` has ended, or after some looks beneath."""
        if self.is_over:
            self._transport.set_write_buffer_limits()  # what is small may wait in the buffer
            self._on_gone()
        elif not self.is_held and self._beneath is not None and not self._beneath.is_closing():
            self._loop.call_later(_LOOK, self.look)

    @staticmethod
    def _is_empty(beneath: asyncio.Transport) -> bool:
        # A transport that fails throws away what it had to write, some turns before it says that it is lost.
        return not beneath.is_closing() and not beneath.get_write_buffer_size()
