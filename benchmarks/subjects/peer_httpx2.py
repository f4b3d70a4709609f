"""httpx2 as a subject."""

import ssl
from collections.abc import Sequence

import httpx2

from benchmarks.subjects import KEEP, TIMEOUT


class Httpx2:
    """httpx2 on its own transport."""

    http2 = False

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP)
        context = ssl.create_default_context(cafile=ca)
        self._client = httpx2.AsyncClient(
            limits=limits, verify=context, timeout=TIMEOUT, trust_env=False, http2=self.http2
        )
        self._urls = urls

    async def get(self, index: int) -> int:
        """See Subject."""
        return (await self._client.get(self._urls[index])).status_code

    async def close(self) -> None:
        """See Subject."""
        await self._client.aclose()


class Httpx2OverHttp2(Httpx2):
    """The same, with HTTP/2 where the server has it."""

    http2 = True
