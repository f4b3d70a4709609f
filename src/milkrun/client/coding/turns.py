"""Decoding in turns: a body of 10 MiB takes tens of milliseconds, in which nobody else on the loop had theirs."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

_TURN = 0.002  # seconds of work in a row


async def in_turns(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces that are not empty, with a turn for others as soon as the work on them has taken long enough."""
    began = time.monotonic()
    for piece in pieces:
        if piece:
            yield piece
        if time.monotonic() - began > _TURN:
            await asyncio.sleep(0)
            began = time.monotonic()
