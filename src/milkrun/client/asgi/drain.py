"""The end of clients: first requests under way may finish, then everything is closed."""

import asyncio
import logging
from collections.abc import Mapping

from milkrun.client.client import Client

_PAUSE = 0.02  # seconds from one look at the clients to the next: requests pay nothing so that this would be told

_log = logging.getLogger("milkrun.client")


async def drain(clients: Mapping[str, Client], seconds: float) -> None:
    """Wait until no client has a request under way, for so long at most, and close them all, cancelled or not."""
    try:
        await _finished(clients, seconds)
    finally:
        _tell(clients, seconds)
        for client in clients.values():
            await client.aclose()


async def _finished(clients: Mapping[str, Client], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while any(map(under_way, clients.values())) and loop.time() < end:  # noqa: ASYNC110  # nobody sets an event
        await asyncio.sleep(_PAUSE)


def under_way(client: Client) -> int:
    """How many connections carry a request, and how many requests wait for one."""
    stats = client.stats()
    return stats["connections"]["in_use"] + stats["queue"]


def _tell(clients: Mapping[str, Client], seconds: float) -> None:
    for name, client in clients.items():
        count = under_way(client)
        if count:
            where = [origin for origin, figures in client.stats_by_origin().items() if figures["connections"]["in_use"]]
            _log.warning(
                "the client %r is closed with %d under way, after %g s to drain: %s",
                name, count, seconds, ", ".join(where) or "waiting for a connection",
            )  # fmt: skip
