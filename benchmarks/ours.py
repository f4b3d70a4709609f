"""Milkrun's client as a subject: prepared requests, and every feature on."""

from collections.abc import Sequence

from milkrun.client import Client

TIMEOUT = 30.0


class Milkrun:
    """The warm client."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        self._client = Client(ca_file=ca)
        self._prepared = [self._client.prepare("GET", url) for url in urls]

    async def get(self, index: int) -> int:
        """GET over the connection that is kept warm."""
        return (await self._client.send(self._prepared[index], timeout=TIMEOUT)).status

    async def fresh(self, index: int) -> int:
        """GET on a new connection, closed afterwards."""
        return (await self._client.send(self._prepared[index], timeout=TIMEOUT, fresh=True)).status

    async def close(self) -> None:
        """Close everything."""
        await self._client.close()
