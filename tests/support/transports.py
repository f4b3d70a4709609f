"""A transport that keeps what it is told, for protocols tested apart from sockets."""

import asyncio
from typing import Any


class KeptTransport(asyncio.Transport):
    """`written` is everything written; `ended` how it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended: str | None = None

    def write(self, data: Any) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is always room."""

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Whoever tests it calls it by hand."""

    def resume_reading(self) -> None:
        """As above."""

    def is_closing(self) -> bool:
        return self.ended is not None

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Beneath(KeptTransport):
    """What TLS writes to: so many bytes wait in it."""

    waits = 0

    def get_write_buffer_size(self) -> int:
        return self.waits
