"""The transport: a request of the face's goes out over the warm client, and comes back as a response of the face's."""

from functools import lru_cache
from typing import Any

from milkrun.client.client import Client
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.httpx.answer import landed, opened
from milkrun.client.httpx.asking import Asker
from milkrun.client.httpx.errors import face_error
from milkrun.client.httpx.faces import AsyncBaseTransport, Face, face_of
from milkrun.client.httpx.trace import Trace
from milkrun.client.response_landed import LandedResponse
from milkrun.client.timeouts import Timeouts


@lru_cache(64)  # an application has a few, which are judged each time they are made
def _timeouts(**limits: float | None) -> Timeouts:
    # What is left of somebody's time may be less than nothing: it is over then, as with httpcore.
    return Timeouts(**{part: seconds if seconds is None else max(0.0, seconds) for part, seconds in limits.items()})


class Transport(AsyncBaseTransport):
    """A transport for `httpx2.AsyncClient` and `httpx.AsyncClient`.

    Args:
        client: a client that others use, too: it is not closed with the transport.
        **options: of `Client`; the transport makes one of its own, and closes it with itself.

    Raises:
        UsageError: it is no client, or there are options beside it.
    """

    def __init__(self, client: Client | None = None, **options: Any) -> None:
        if not isinstance(client, Client | None):
            raise UsageError(f"a Transport goes over a milkrun.client.Client, not {client!r}")
        if client is not None and options:
            raise UsageError(f"the client is made already: give it {', '.join(options)}, or the transport no client")
        self._client = Client(**options) if client is None else client
        self._owns = client is None
        self._asker = Asker(self._client)

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request; the response comes with its body still to be read.

        Raises:
            Exception: the face's own, with the client's as the cause.
            UsageError: the client is closed, or used on another event loop, in another thread or a forked process.
        """
        face = face_of(request)
        limits = request.extensions.get("timeout")
        timeouts = _timeouts(**limits) if limits else None
        try:
            if request.extensions.get("trace") is not None:
                return await self._traced(face, request, timeouts)
            response = await self._client.begin(self._asker.ask(face, request, None), timeout=timeouts)
        except RequestError as err:
            raise face_error(face, err, request) from err
        if isinstance(response, LandedResponse):
            return landed(face, response)
        return opened(face, request, response, None)

    async def aclose(self) -> None:
        """Close the client, if it is the transport's own."""
        if self._owns:
            await self._client.aclose()

    async def _traced(self, face: Face, request: Any, timeouts: Timeouts | None) -> Any:
        trace = Trace(request.extensions["trace"], request)
        prepared = self._asker.ask(face, request, trace.hear)
        response = await trace.during(self._client.open(prepared, timeout=timeouts))
        return opened(face, request, response, trace)
