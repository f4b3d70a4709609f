"""A PostgreSQL that is restarted under Milkrun, now in good order and now as a crash does it."""

import asyncio
import signal

from tests.crash.disks import within
from tests.support.postgres import PostgresServer

LIVES = 7.0  # seconds between two restarts
AWAY = 2.0


class Restarting:
    """Restarts the server again and again; `times` how often it did."""

    def __init__(self, server: PostgresServer) -> None:
        self.times = 0
        self._server = server

    async def __call__(self, turn: asyncio.Lock, over: asyncio.Event) -> None:
        """As `Trouble`."""
        while not await within(over, LIVES):
            async with turn:
                self._server.stop(signal.SIGQUIT if self.times % 2 else signal.SIGINT)
                await within(over, AWAY)
                self._server.start()  # here, not in a thread: it dies with the thread that starts it
                self.times += 1
