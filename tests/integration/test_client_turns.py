"""Decoding gives others on the loop their turns."""

import asyncio
import gzip
import random
import time
from collections.abc import Iterator

from milkrun.client import Client
from milkrun.client.coding import in_turns
from tests.support.scripted import answers, scripted


class Others:
    """Counts the turns that the loop has for others."""

    def __init__(self) -> None:
        self.turns = 0
        self._stopped = False

    def start(self) -> None:
        self.turns += 1
        if not self._stopped:
            asyncio.get_running_loop().call_soon(self.start)

    def stop(self) -> None:
        self._stopped = True


def slow(pieces: int, seconds: float) -> Iterator[bytes]:
    for number in range(pieces):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            """Work that holds the loop."""
        yield b"" if number % 2 else b"x"


async def test_pieces_that_take_long_leave_turns_to_others_and_empty_ones_are_left_out() -> None:
    others = Others()
    others.start()
    got = [piece async for piece in in_turns(slow(6, 0.003))]
    others.stop()
    assert got == [b"x"] * 3
    assert others.turns >= 6


async def test_pieces_that_are_quick_are_given_in_one_turn() -> None:
    others = Others()
    got = [piece async for piece in in_turns([b"a", b"", b"b"])]
    assert got == [b"a", b"b"]
    assert others.turns == 0


async def test_a_large_coded_body_is_read_whole() -> None:
    plain = random.Random(1).randbytes(3_000_000)  # noqa: S311  # what hardly gets smaller
    coded = gzip.compress(plain)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(coded)
    async with scripted(answers(head + coded)) as server, Client() as client:
        for warm in (False, True):
            response = await client.get(server.url)
            assert response.body == plain
            assert response.connection.reused is warm
            assert response.bytes_received == len(coded)
