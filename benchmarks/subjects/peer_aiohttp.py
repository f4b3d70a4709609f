"""aiohttp as a subject."""

import asyncio
import ssl
from collections.abc import Sequence

import aiohttp

from benchmarks.subjects import KEEP


class Aiohttp:
    """aiohttp."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        context = ssl.create_default_context(cafile=ca)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP, ssl=context)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self._urls = urls

    async def get(self, index: int) -> int:
        """See Subject."""
        async with self._session.get(self._urls[index]) as response:
            await response.read()
            return response.status

    async def close(self) -> None:
        """See Subject."""
        await self._session.close()
        await asyncio.sleep(0)
