"""The peers as subjects, each set up as its own documentation would for many origins: no limits, long keep-alive."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import aiohttp
import httpx2
from pyreqwest.client import ClientBuilder

KEEP = 3600.0


class Subject(Protocol):
    """Whoever is measured: made with its origins' URLs and the authority that signed their certificates."""

    async def get(self, index: int) -> int:
        """GET origin `index` over a connection that is kept, read the body, give the status."""

    async def close(self) -> None:
        """Close everything."""


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


class Pyreqwest:
    """pyreqwest: reqwest, in Rust."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        builder = ClientBuilder().pool_idle_timeout(timedelta(seconds=KEEP)).timeout(timedelta(seconds=30))
        self._client = builder.add_root_certificate_pem(Path(ca).read_bytes()).no_proxy().build()
        self._urls = urls

    async def get(self, index: int) -> int:
        """See Subject."""
        response = await self._client.get(self._urls[index]).build().send()
        await response.bytes()
        return response.status

    async def close(self) -> None:
        """See Subject."""
        await self._client.close()


class Httpx2:
    """httpx2 on its own transport."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP)
        context = ssl.create_default_context(cafile=ca)
        self._client = httpx2.AsyncClient(limits=limits, verify=context, timeout=30, trust_env=False)
        self._urls = urls

    async def get(self, index: int) -> int:
        """See Subject."""
        return (await self._client.get(self._urls[index])).status_code

    async def close(self) -> None:
        """See Subject."""
        await self._client.aclose()
