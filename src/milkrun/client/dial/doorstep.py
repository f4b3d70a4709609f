"""Who answers for a connection until its own protocol may: nothing that arrives early is lost or comes out of order."""

import asyncio
from typing import cast


class Doorstep(asyncio.Protocol):
    """Takes a new connection's first events and hands them to the real protocol.

    A peer may speak, or hang up, before the coroutine that opens the connection runs again; a refusal right after
    the handshake must not reach a protocol that has no transport yet.
    """

    __slots__ = ("_early", "_lost", "_reason")

    def __init__(self) -> None:
        self._early: list[bytes] = []
        self._lost = False
        self._reason: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read nothing more until somebody is there to take it; uvloop may have read already."""
        cast("asyncio.Transport", transport).pause_reading()

    def data_received(self, data: bytes) -> None:
        """Keep what came before its time."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep the bad news."""
        self._lost = True
        self._reason = exc

    @property
    def heard(self) -> bool:
        """Whether the peer has spoken."""
        return bool(self._early)

    def require_open(self, transport: asyncio.Transport) -> None:
        """Raise OSError if the connection was lost meanwhile."""
        if self._lost or transport.is_closing():
            raise self._reason if isinstance(self._reason, OSError) else ConnectionResetError()

    def admit(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        """Make the protocol the transport's own, and tell it all that happened before."""
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for data in self._early:
            protocol.data_received(data)
        if self._lost:
            protocol.connection_lost(self._reason)
        else:
            transport.resume_reading()
