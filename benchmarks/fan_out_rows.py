"""`fan_out` against the least that does the same by hand: a task group under one time-out, over the same ten requests.

Both in one process, on one warm client, in turns: what differs is the fan-out alone.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from benchmarks import crowds, table
from benchmarks.measure import medians, paired_ratio
from benchmarks.origins import Origins
from benchmarks.table import Row
from milkrun.client import Client, Response, Upstream, fan_out

UPSTREAMS = 10
WITHIN = 30.0
MICRO = 1e6

Asking = Callable[[], Coroutine[Any, Any, Response]]
Calls = dict[str, Asking]
Rounds = dict[str, list[float]]


async def by_hand(calls: Calls) -> int:
    """A task for each request, one deadline; how many answered."""
    async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(call()) for name, call in calls.items()}
    return sum(task.result().status == 200 for task in tasks.values())


async def by_fan_out(calls: Calls) -> int:
    """The same by `fan_out`."""
    came = await fan_out(calls, within=WITHIN)
    return sum(response.status == 200 for response in came.results.values())


async def _spin(ask: Callable[[Calls], Awaitable[int]], calls: Calls, seconds: float) -> float:
    """CPU seconds for each fan-out, over as many as fit into `seconds`."""
    until, done, before = time.perf_counter() + seconds, 0, time.process_time()
    while time.perf_counter() < until:
        assert await ask(calls) == len(calls)
        done += 1
    return (time.process_time() - before) / done


async def measured(urls: Sequence[str], seconds: float, rounds: int) -> Rounds:
    """CPU seconds for each fan-out, by how it is done, round by round."""
    taken: Rounds = defaultdict(list)
    async with Client() as client:
        plain: Calls = {url: _asking(client, url) for url in urls}
        limited = {url: _limited(url, call) for url, call in plain.items()}
        for _ in range(rounds + 1):
            taken["by hand"].append(await _spin(by_hand, plain, seconds))
            taken["fan_out"].append(await _spin(by_fan_out, plain, seconds))
            taken["limited"].append(await _spin(by_fan_out, limited, seconds))
    return {name: each[1:] for name, each in taken.items()}  # the first round opened the connections


def _asking(client: Client, url: str) -> Asking:
    request = client.prepare("GET", url)
    return lambda: client.send(request, timeout=WITHIN)


def _limited(url: str, call: Asking) -> Asking:
    upstream = Upstream(url, timeout=WITHIN, limit=UPSTREAMS)
    return lambda: upstream.run(call)


def rows(server: Origins, *, seconds: float, rounds: int) -> list[Row]:
    """The row with the goal; it says, too, what a limit and a time-out for each upstream add."""
    taken = crowds.apart(partial(measured, seconds=seconds, rounds=rounds), server.plain(UPSTREAMS))
    middle = medians(taken)
    shown = {name: f"{seconds * MICRO:.0f} us" for name, seconds in middle.items()}
    return [
        table.at_most(
            f"fan_out of {UPSTREAMS} upstreams",
            paired_ratio(taken["fan_out"], taken["by hand"]),
            2.0,
            "a TaskGroup with one timeout",
            figures=f"{shown['fan_out']} against {shown['by hand']}; {shown['limited']} with limits and time-outs",
        )
    ]
