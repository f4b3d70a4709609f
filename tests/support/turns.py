"""Letting an event loop run without letting time pass."""

import asyncio
from collections.abc import Callable


async def turns(count: int = 10) -> None:
    """Let everything that can run do so: a bounded number of turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool], *, count: int = 20_000) -> bool:
    """Turn the loop until something is true; says whether it became so within a bounded number of turns."""
    for _ in range(count):
        if true():
            return True
        await asyncio.sleep(0)
    return true()
