"""httpx2 on Milkrun's transport as a subject, and on none."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2

from benchmarks.subjects import TIMEOUT
from benchmarks.subjects.peer_httpx2 import Httpx2
from milkrun.client.httpx import Transport

_CONTENT = b"x" * 55
# As many as nginx sends.
_FIELDS = [
    (b"Server", b"nginx"),
    (b"Date", b"Mon, 23 Nov 2026 00:00:00 GMT"),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"55"),
    (b"Connection", b"keep-alive"),
]


class Httpx2OnOurs(Httpx2):
    """The same face, over the warm client."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        self._client = httpx2.AsyncClient(transport=Transport(ca_file=ca), timeout=TIMEOUT, trust_env=False)
        self._urls = urls


class Httpx2OnNothing(Httpx2):
    """The face alone, over a transport that asks nobody: what no client under it can do away with."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:  # noqa: ARG002  # as subjects are made
        self._client = httpx2.AsyncClient(transport=_Nothing(), timeout=TIMEOUT, trust_env=False)
        self._urls = urls


class _Nothing(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002
        await asyncio.sleep(0)
        known = {"http_version": b"HTTP/1.1", "reason_phrase": b"OK"}
        return httpx2.Response(200, headers=_FIELDS, stream=_Body(), extensions=known)


class _Body(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield _CONTENT
