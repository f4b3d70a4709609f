"""What is over is let go of at once, long before its deadline would have come: over TLS a connection keeps 50 KB."""

import gc
from collections import Counter
from pathlib import Path

import pytest

from milkrun.client import Client
from milkrun.client.exchange.link import Link
from milkrun.client.http1.streaming import StreamedExchange
from tests.support.authority import Authority
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, server
from tests.support.scripted import OK
from tests.support.turns import until

__all__ = ["anyio_backend"]

LONG = 3600.0


def kept() -> Counter[str]:
    """How many connections and exchanges there are in memory, in use or not."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, Link | StreamedExchange))


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_closed_connection_is_not_kept_until_its_deadline(tmp_path: Path, scheme: str) -> None:
    authority = Authority(tmp_path)
    context = authority.good() if scheme == "https" else None
    before = kept()
    async with server(lambda: Says(OK), context=context) as port, Client(ca_file=authority.ca_file) as client:
        for _ in range(5):
            await client.get(f"{scheme}://localhost:{port}/", fresh=True, timeout=LONG)

        assert await until(lambda: client.stats()["connections"]["open"] == 0)
        assert await until(lambda: kept() == before, count=20)


async def test_a_streamed_exchange_is_not_kept_until_its_deadline() -> None:
    before = kept()
    async with server(lambda: Says(OK)) as port, Client() as client:
        for _ in range(5):
            async with client.stream("GET", f"http://localhost:{port}/", timeout=LONG) as response:
                assert await response.read() == b"hi"
            del response

        assert kept() - before == Counter({"Connection": 1})
