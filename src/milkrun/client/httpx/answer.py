"""From our response to the face's: status, raw header pairs, what is known of the connection, the body as it comes."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from types import ModuleType
from typing import Any, Self

from milkrun.client.errors import RequestError
from milkrun.client.headers import raw_pairs
from milkrun.client.httpx.errors import face_error
from milkrun.client.httpx.faces import Face
from milkrun.client.httpx.network import Handed, NetworkStream
from milkrun.client.httpx.trace import Trace
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse

_PATIENCE, _IMPATIENCE = 1.0, 0.1  # seconds to wait for the rest of a body, if its length is known, and if it is not


def landed(face: Face, response: LandedResponse) -> Any:
    """The face's response to a whole one: nothing is left to be read but what is here, nothing to be closed."""
    return _response(face, response, _class_of(face.module, Whole)(response.received.body), NetworkStream(response))


def opened(face: Face, request: Any, response: StreamedResponse, trace: Trace | None) -> Any:
    """The face's response whose body is still to be read, and which its reader closes."""
    body = _class_of(face.module, Body)(face, request, response, trace)
    takes_over = response.request.takes_over(response.status)
    return _response(face, response, body, Handed(face, response) if takes_over else NetworkStream(response))


def _response(face: Face, response: LandedResponse | StreamedResponse, body: Any, stream: NetworkStream) -> Any:
    received = response.received
    head = received.head
    version, _, rest = head[: head.index(b"\r")].partition(b" ")
    known = {
        "http_version": version,
        "network_stream": stream,
        "timings": response.timings,
        "connection": response.connection,
    }
    if version == b"HTTP/2":  # which has no reason phrases: the face says what each status means
        known["stream_id"] = response.stream_id
    else:
        known["reason_phrase"] = rest.partition(b" ")[2]
    if response.stale_retry:
        known["stale_retry"] = True
    if response.warnings:
        known["warnings"] = response.warnings
    return face.module.Response(received.status, headers=raw_pairs(head), stream=body, extensions=known)


class Body:
    """The body of a response, codings still on. What a face calls a stream has its class beside this one.

    It may be iterated again before its end and goes on there, as httpcore's: so openai's package reads what follows
    the last event.
    """

    def __init__(self, face: Face, request: Any, response: StreamedResponse, trace: Trace | None) -> None:
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
        is_known = "content-length" in self._response.headers
        await self._response.discard(within=_PATIENCE if is_known else _IMPATIENCE)


class Whole:
    """A body that is here. Not a generator: of those an event loop keeps a list, which costs more than all of this."""

    def __init__(self, body: bytes) -> None:
        self._left: bytes | None = body

    def __repr__(self) -> str:
        return f"<Whole body: {'read' if self._left is None else f'{len(self._left)} bytes'}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece, self._left = self._left, None
        if not piece:
            raise StopAsyncIteration
        return piece


@cache
def _class_of(module: ModuleType, kind: type) -> Any:
    """The class of a face's bodies of a kind: a face accepts only what derives from its own."""
    return type(kind.__name__, (kind, module.AsyncByteStream), {})
