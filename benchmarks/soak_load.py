"""Many origins visited at random, with all that a caller may do: wait, give up, ask for a connection of its own."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.faulty.mischief import body
from milkrun.client import Client, RequestError

WALKERS = 100
PATIENCE = 1.0  # seconds: the deadline of a request
_CANCELLED = 0.02  # the part of the requests whose caller goes away
_LONGEST = 0.01  # seconds after which, at most, such a caller goes
_FRESH = 0.01  # and of those that want a connection of their own


class WrongBodyError(Exception):
    """An answer that is not the one to what was asked: the one thing that must never happen."""


async def walk(client: Client, urls: Sequence[str], *, rate: float, seconds: float, seed: int) -> Counter[str]:
    """Visit origins at random, so many a second, for so long, and say what came of it: by layer and kind, if it failed.

    Raises whatever is neither an answer nor a RequestError, and WrongBodyError.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    outcomes: Counter[str] = Counter()

    async def visit(chance: random.Random) -> None:
        while loop.time() < until:
            await asyncio.sleep(chance.expovariate(rate / WALKERS))
            outcomes[await _ask(client, f"{chance.choice(urls)}{chance.randrange(10_000)}", chance)] += 1

    async with asyncio.TaskGroup() as group:
        for index in range(WALKERS):
            group.create_task(visit(random.Random(seed + index)))  # noqa: S311 - it must be repeatable
    return outcomes


async def _ask(client: Client, url: str, chance: random.Random) -> str:
    fresh, given_up = chance.random() < _FRESH, chance.random() < _CANCELLED
    leaves = asyncio.timeout(chance.uniform(0.0, _LONGEST) if given_up else None)
    try:
        async with leaves:
            response = await client.get(url, timeout=PATIENCE, fresh=fresh)
    except RequestError as error:
        return f"{error.layer}/{error.kind}"
    except TimeoutError:
        if not leaves.expired():
            raise
        return "given up"
    if response.body != body(urlsplit(url).path):
        raise WrongBodyError(url)
    return "answered again" if response.stale_retry else "answered"
