"""The load: what a subject is asked to do inside the measured process, and what it cost."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

from benchmarks.measure import resident
from benchmarks.subjects import Subject

CONCURRENCY = 50

Ask = Callable[[int], Awaitable[int]]


async def _checked(ask: Ask, index: int) -> None:
    status = await ask(index)
    if status != 200:
        raise RuntimeError(f"origin {index} answered {status}")


async def visit(ask: Ask, first: int, last: int) -> None:
    """Visit the origins from `first` to before `last` once each, so that each has its connection."""

    async def walk(start: int) -> None:
        for index in range(start, last, CONCURRENCY):
            await _checked(ask, index)

    async with asyncio.TaskGroup() as group:
        for start in range(first, min(first + CONCURRENCY, last)):
            group.create_task(walk(start))


async def spin(ask: Ask, origins: int, seconds: float, concurrency: int = CONCURRENCY) -> float:
    """Visit the origins in turn, as fast as it goes, for `seconds`; CPU seconds a request."""
    concurrency = min(concurrency, origins)  # the bare loop has one connection an origin
    until = time.perf_counter() + seconds
    done = 0

    async def walk(index: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await _checked(ask, index % origins)
            index += concurrency
            done += 1

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for start in range(concurrency):
            group.create_task(walk(start))
    return (time.process_time() - before) / done


async def burst(ask: Ask, count: int) -> None:
    """Ask the first origin so many times at once."""
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_checked(ask, 0))


async def pace(ask: Ask, origins: int, rate: float, seconds: float) -> float:
    """Visit the origins in turn, `rate` a second, evenly, each at its time; CPU seconds a request.

    One coroutine, no task a request: nothing that visits on a schedule can cost less.
    """
    loop = asyncio.get_running_loop()
    count = max(1, round(rate * seconds))
    began, before = loop.time(), time.process_time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        await _checked(ask, number % origins)
    return (time.process_time() - before) / count


async def hold(subject: Subject, first: int, last: int) -> float:
    """Open a connection to each origin from `first` on and leave it idle; resident bytes a connection."""
    gc.collect()
    before = resident()
    await visit(subject.get, first, last)
    gc.collect()
    return (resident() - before) / (last - first)
