"""What a response was read from, as httpcore's network streams: facts of it, and itself once it is handed over."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from milkrun.client.errors import UsageError
from milkrun.client.httpx.faces import Face
from milkrun.client.httpx.tls_stream import TlsStream
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse

_NAMES = {"server_addr": "peername", "client_addr": "sockname"}


class NetworkStream:
    """The connection of a response: what is known of it."""

    __slots__ = ("_response",)

    def __init__(self, response: LandedResponse | StreamedResponse) -> None:
        self._response = response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._response!r}>"

    def get_extra_info(self, info: str) -> Any:
        """server_addr, client_addr, ssl_object, socket, or another name that asyncio's transports know; else None."""
        return self._response.get_extra_info(_NAMES.get(info, info))


class Handed(NetworkStream):
    """The connection after it was handed over, by a 101 or a granted CONNECT: bytes both ways.

    It raises httpcore's exceptions, as httpcore's do: ReadError, WriteError and ConnectError, and their time-outs.
    """

    _response: StreamedResponse

    def __init__(self, face: Face, response: StreamedResponse) -> None:
        super().__init__(response)
        self._face = face
        self._tunnel = response.tunnel
        self._rest = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most so many bytes, as soon as there are any; b"" when no more will come."""
        if not self._rest:
            with self._raising("Read"):
                async with asyncio.timeout(timeout):
                    self._rest = await self._tunnel.read()
        piece, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, and wait while the peer takes less than is sent."""
        if buffer:
            with self._raising("Write"):
                async with asyncio.timeout(timeout):
                    await self._tunnel.write(bytes(buffer))

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TlsStream:
        """TLS inside the connection; closes it if the handshake fails."""
        stream = TlsStream(self, ssl_context, server_hostname)
        try:
            with self._raising("Connect"):
                async with asyncio.timeout(timeout):
                    await stream.shake_hands()
        except BaseException:
            await self.aclose()
            raise
        return stream

    async def aclose(self) -> None:
        """Close the connection; harmless when repeated."""
        self._response.cut()

    @contextmanager
    def _raising(self, doing: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as err:
            raise getattr(self._face.core, f"{doing}Timeout")(str(err)) from err
        except (OSError, UsageError) as err:  # closed here, too
            raise getattr(self._face.core, f"{doing}Error")(str(err)) from err
