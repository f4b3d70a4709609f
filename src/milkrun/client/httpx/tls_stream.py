"""TLS inside a connection that was handed over."""

import ssl
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_PIECE = 64 * 1024


class Carrier(Protocol):
    """What it goes over."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes, b"" at the end."""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""

    async def aclose(self) -> None:
        """Close."""

    def get_extra_info(self, info: str) -> Any:
        """What is known of it."""


class TlsStream:
    """A network stream with TLS. Its peer may be the target of a proxy's CONNECT."""

    def __init__(self, carrier: Carrier, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._carrier = carrier
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    async def shake_hands(self) -> None:
        """Agree with the peer. Raises ssl.SSLError."""
        await self._turn(self._session.do_handshake, None)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the carrier has it."""
        try:
            return await self._turn(lambda: self._session.read(max_bytes), timeout)
        except ssl.SSLEOFError:  # without a goodbye: whoever needs to know frames his messages
            return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the carrier has it."""
        if buffer:
            await self._turn(lambda: self._session.write(buffer), timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._carrier.aclose()

    def get_extra_info(self, info: str) -> Any:
        """As the carrier has it, but for the TLS."""
        return self._session if info == "ssl_object" else self._carrier.get_extra_info(info)

    async def _turn(self, act: Callable[[], T], timeout: float | None) -> T:
        """Act, and carry what that takes to and fro; `timeout`: seconds for each wait."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                await self._send(timeout)
                piece = await self._carrier.read(_PIECE, timeout)
                if piece:
                    self._incoming.write(piece)
                else:
                    self._incoming.write_eof()
            else:
                await self._send(timeout)
                return done

    async def _send(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            await self._carrier.write(self._outgoing.read(), timeout)
