"""The end of clients: first requests under way may finish, then everything is closed."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack

from milkrun.client.asgi.lent import Lent

_PAUSE = 0.02  # seconds from one look at the clients to the next: requests pay nothing so that this would be told

_log = logging.getLogger("milkrun.client")


async def drain(clients: Mapping[str, Lent], seconds: float) -> None:
    """Wait until no client has a request under way, for so long at most, and close them all, also when cancelled."""
    async with AsyncExitStack() as closing:
        for client in clients.values():
            closing.push_async_callback(client.owner.aclose)
        try:
            await _finished(clients, seconds)
        finally:
            _tell(clients)


async def _finished(clients: Mapping[str, Lent], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while any(client.under_way for client in clients.values()) and loop.time() < end:  # noqa: ASYNC110  # nobody sets an event
        await asyncio.sleep(_PAUSE)


def _tell(clients: Mapping[str, Lent]) -> None:
    for name, client in clients.items():
        if client.under_way:
            origins = client.stats_by_origin().items()
            to = ", ".join(origin for origin, figures in origins if figures["connections"]["in_use"])
            count = client.under_way
            _log.warning("the client %r is closed with requests under way: %d, to %s", name, count, to or "nowhere yet")
