"""A PostgreSQL that is restarted under Milkrun, now in good order and now as a crash does it."""

import asyncio
import signal
from contextlib import suppress

from tests.support.postgres import PostgresServer

LIVES = 7.0  # seconds between two restarts
AWAY = 2.0


class Restarting:
    """Restarts the server again and again; `times` how often it did."""

    def __init__(self, server: PostgresServer) -> None:
        self.times = 0
        self._server = server

    async def __call__(self, over: asyncio.Event) -> None:
        """Restart it in turn until it is over; it is up then."""
        while not await _within(over, LIVES):
            self._server.stop(signal.SIGQUIT if self.times % 2 else signal.SIGINT)
            await _within(over, AWAY)
            self._server.start()  # here, not in a thread: it dies with the thread that starts it
            self.times += 1


async def _within(over: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()
    return over.is_set()
