"""Whether a host can be reached at all: a TCP connection, opened and closed."""

import asyncio
import contextlib


async def reach(host: str, port: int, seconds: float) -> bool:
    """Whether a connection opens within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):  # which of the two it is, and why, makes no difference
        return False
    writer.close()
    with contextlib.suppress(OSError):  # it may be reset by now, which is no less an answer
        await writer.wait_closed()
    return True
