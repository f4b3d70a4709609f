"""Letting an event loop run without letting time pass."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 15.0
"""Seconds after which what has not become true will not: only a test that fails waits for so long."""


async def turns(count: int = 10) -> None:
    """Let everything that can run do so: a bounded number of turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool], *, count: int | None = None) -> bool:
    """Turn the loop until something is true; says whether it became so.

    Bounded by a number of turns, or else by seconds: what the kernel has a part in takes a quick machine more turns.
    """
    deadline = time.monotonic() + PATIENCE
    turn = 0
    while not true():
        if turn == count or time.monotonic() > deadline:
            return False
        turn += 1
        await asyncio.sleep(0)
    return True
