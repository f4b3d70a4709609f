"""Milkrun's client as a subject: prepared requests, and every feature on."""

from collections.abc import Sequence

from benchmarks.subjects import TIMEOUT
from milkrun.client import Client

FEW = 50  # origins that new connections are made to


class Milkrun:
    """The warm client."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        self._client = Client(ca_file=ca)
        self._warm = [self._client.prepare("GET", url) for url in urls]
        self._cold = [self._client.prepare("GET", url, fresh=True) for url in urls[:FEW]]

    async def get(self, index: int) -> int:
        """GET over the connection that is kept warm."""
        return (await self._client.send(self._warm[index], timeout=TIMEOUT)).status

    async def fresh(self, index: int) -> int:
        """GET on a new connection, closed afterwards."""
        return (await self._client.send(self._cold[index], timeout=TIMEOUT)).status

    async def close(self) -> None:
        """Close everything."""
        await self._client.aclose()
