"""pyreqwest as a subject."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pyreqwest.client import ClientBuilder

from benchmarks.subjects import KEEP, TIMEOUT


class Pyreqwest:
    """pyreqwest: reqwest, in Rust."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        builder = ClientBuilder().pool_idle_timeout(timedelta(seconds=KEEP)).timeout(timedelta(seconds=TIMEOUT))
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
