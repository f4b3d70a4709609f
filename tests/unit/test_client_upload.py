"""Content on its way from its source to an exchange, apart from both."""

import asyncio
from collections.abc import Iterator
from typing import cast

from milkrun.client import Client
from milkrun.client.exchange.exchange import OpenExchange
from milkrun.client.exchange.upload import Upload

MOST = 1000


class Ending:
    """An exchange with room for everything, until the loop tells it that it is over."""

    def __init__(self) -> None:
        self.written = 0
        self._over = False
        asyncio.get_running_loop().call_soon(self._end)

    async def write(self, piece: bytes) -> bool:
        self.written += len(piece)
        return not self._over

    def _end(self) -> None:
        self._over = True


def pieces() -> Iterator[bytes]:
    for _ in range(MOST):
        yield b"x"


async def test_a_source_that_never_waits_is_asked_no_further_once_the_exchange_is_over() -> None:
    exchange = Ending()
    request = Client().prepare("POST", "http://127.0.0.1/", content=pieces())
    await Upload(request).run(cast("OpenExchange", exchange))
    assert exchange.written < 10
