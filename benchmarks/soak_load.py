"""Many origins visited at random, with all that a caller may do: wait, give up, ask for a connection of its own."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.faulty.mischief import body
from milkrun.client import Client, PreparedRequest, RequestError

WALKERS = 100
PATIENCE = 1.0  # seconds: the deadline of a request
_CANCELLED = 0.02  # the part of the requests whose caller goes away
_LONGEST = 0.01  # seconds after which, at most, such a caller goes
_UNUSUAL = 0.25  # the part that is sent but once
_FRESH = 0.04  # and of this the part that wants a connection of its own


class WrongBodyError(Exception):
    """An answer that is not the one to what was asked: the one thing that must never happen."""


async def walk(client: Client, urls: Sequence[str], *, rate: float, seconds: float, seed: int) -> Counter[str]:
    """Visit origins at random, so many a second, for so long, and say what came of it: by layer and kind, if it failed.

    Raises whatever is neither an answer nor a RequestError, and WrongBodyError.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    outcomes: Counter[str] = Counter()

    usual = [client.prepare("GET", f"{url}{index}") for index, url in enumerate(urls)]

    async def visit(chance: random.Random) -> None:
        while loop.time() < until:
            await asyncio.sleep(chance.expovariate(rate / WALKERS))
            request = chance.choice(usual)
            if chance.random() < _UNUSUAL:
                url = f"{chance.choice(urls)}{chance.randrange(10_000)}"
                request = client.prepare("GET", url, fresh=chance.random() < _FRESH)
            outcomes[await _ask(client, request, chance)] += 1

    async with asyncio.TaskGroup() as group:
        for index in range(WALKERS):
            group.create_task(visit(random.Random(seed + index)))  # noqa: S311 - it must be repeatable
    return outcomes


async def _ask(client: Client, request: PreparedRequest, chance: random.Random) -> str:
    given_up = chance.random() < _CANCELLED
    leaves = asyncio.timeout(chance.uniform(0.0, _LONGEST) if given_up else None)
    try:
        async with leaves:
            response = await client.send(request, timeout=PATIENCE)
    except RequestError as error:
        return f"{error.layer}/{error.kind}"
    except TimeoutError:
        if not leaves.expired():
            raise
        return "given up"
    if response.body != body(urlsplit(response.url).path):
        raise WrongBodyError(response.url)
    return "answered again" if response.stale_retry else "answered"
