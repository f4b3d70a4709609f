"""Responses read as they come: what is read, what is left, and what becomes of the connection."""

import asyncio

import pytest

from milkrun.client import Client
from milkrun.client.connection import Connection
from tests.support.accounts import at_rest
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, answers, scripted, silence
from tests.support.turns import turns, until
from tests.support.worldclock import ShiftedClock

__all__ = ["anyio_backend"]


@pytest.mark.parametrize("first", ["response", "cancellation"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_goes_away_in_the_turn_of_the_whole_response_gives_its_place_up_once(method: str, first: str) -> None:
    async with scripted(silence) as server, Client() as client:
        content = iter((b"all",)) if method == "POST" else None
        request = asyncio.create_task(client.open(client.prepare(method, server.url, content=content)))
        assert await until(lambda: bool(client._pool._connections))
        (connection,) = client._pool._connections
        assert isinstance(connection, Connection)
        await turns()
        assert connection._lent is not None
        if first == "cancellation":
            request.cancel()
        connection._lent.data_received(OK)  # the loop would say so; now nothing comes between
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert at_rest(client, idle=1)
        assert client._pool._total.used == 0


async def test_a_keep_alive_time_is_heeded_however_much_comes_at_once() -> None:
    text = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi"
    clock = ShiftedClock()
    async with scripted(answers(text)) as server, Client(clock=clock) as client:
        for seconds, reused in ((0, False), (5, False), (3, True)):
            clock.advance(seconds)
            async with client.stream("GET", server.url) as response:
                assert await response.read() == b"hi"
                assert response.connection.reused == reused
