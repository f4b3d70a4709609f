"""From our response to the face's: status, raw header pairs, what is known of the connection, the body as it comes."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

from milkrun.client.errors import RequestError
from milkrun.client.headers import raw_pairs
from milkrun.client.httpx.errors import face_error
from milkrun.client.httpx.faces import Face
from milkrun.client.httpx.network import Handed, NetworkStream
from milkrun.client.httpx.trace import Trace
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse

_VERSIONS = {"1.1": b"HTTP/1.1", "1.0": b"HTTP/1.0", "2": b"HTTP/2"}
Arrival: TypeAlias = LandedResponse | StreamedResponse

_PATIENCE, _IMPATIENCE = 1.0, 0.1  # seconds to wait for the rest of a body, if its length is known, and if it is not


def answer(face: Face, request: Any, response: Arrival, trace: Trace | None) -> Any:
    """The face's response, whose body is still to be read, and which its reader closes."""
    return face.module.Response(
        status_code=response.status,
        headers=raw_pairs(response.received.head),
        stream=_body_of(face.module)(face, request, response, trace),
        extensions=_extensions(face, response),
    )


def _extensions(face: Face, response: Arrival) -> dict[str, Any]:
    known: dict[str, Any] = {
        "http_version": _VERSIONS[response.version],
        "network_stream": _network_stream(face, response),
        "timings": response.timings,
        "connection": response.connection,
    }
    if response.version == "2":  # which has no reason phrases: the face says what each status means
        known["stream_id"] = response.stream_id
    else:
        known["reason_phrase"] = response.reason.encode("latin-1")
    if response.stale_retry:
        known["stale_retry"] = True
    if response.warnings:
        known["warnings"] = response.warnings
    return known


def _network_stream(face: Face, response: Arrival) -> NetworkStream:
    if isinstance(response, StreamedResponse) and response.request.takes_over(response.status):
        return Handed(face, response)
    return NetworkStream(face, response)


class Body:
    """The body of a response, codings still on. What a face calls a stream has its class beside this one.

    It may be iterated again before its end and goes on there, as httpcore's: so openai's package reads what follows
    the last event.
    """

    def __init__(self, face: Face, request: Any, response: Arrival, trace: Trace | None) -> None:
        self._face = face
        self._request = request
        self._response = response
        self._trace = trace
        self._pieces = response.raw()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Body of {self._response!r}>"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        response = self._response
        if response.request.takes_over(response.status):
            return  # what follows is for the network stream
        try:
            if self._trace is None:
                async for piece in self._pieces:
                    yield piece
            else:
                async with self._trace.step("receive_response_body", request=self._request):
                    async for piece in self._pieces:
                        yield piece
        except RequestError as err:
            raise face_error(self._face, err, self._request) from err
        except asyncio.CancelledError:
            response.cut()  # whoever gives up does not wait for the rest
            raise

    async def aclose(self) -> None:
        """Give the connection back, or close it; harmless when repeated, and done even if it is cancelled."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._trace is None:
            await self._release()
            return
        try:
            async with self._trace.step("response_closed"):
                await self._release()
        finally:
            self._response.cut()  # the callback may have raised before anything was done

    async def _release(self) -> None:
        # What nobody knows the length of may be a stream of events: the next one may take its time.
        is_known = isinstance(self._response, LandedResponse) or "content-length" in self._response.headers
        await self._response.discard(within=_PATIENCE if is_known else _IMPATIENCE)


@cache
def _body_of(module: ModuleType) -> Any:
    """The class of a face's bodies: a face accepts only what derives from its own."""
    return type("Body", (Body, module.AsyncByteStream), {})
