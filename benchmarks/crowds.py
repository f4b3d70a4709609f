"""Ten thousand requests at once: all cancelled in flight, and all to origins that have no connection yet.

Not CPU time but behaviour: how soon the pool is clean, how many handshakes there are at once, whether timers hold.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import msgspec
import uvloop

from benchmarks.measure import raise_descriptor_limit
from benchmarks.origins import Origins, address, free_ports
from benchmarks.table import Row
from milkrun.client import Client, Event, Limits, Step

HANDSHAKES = 100
TIMEOUT = 60.0
TICK = 0.01  # seconds between two looks at the clock
BACKLOG = 4_000  # connections that the kernel accepts on its own for a socket nobody accepts from
_LOOKS = 6_000  # at most, while all are to be in flight


T = TypeVar("T")


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Requests in flight when all were cancelled, seconds until the pool was clean, and what was left then."""

    in_flight: int
    seconds: float
    left: int


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A cold start: the most handshakes at once, requests that failed, seconds in all, the latest timer's lateness."""

    handshakes: int
    failed: int
    seconds: float
    late: float
    early: int


async def cancel_all(urls: Sequence[str]) -> Cancelled:
    """Send a request to each of these origins, which do not answer; cancel all once all are in flight."""
    async with Client(limits=Limits(total=len(urls), handshakes=1_000)) as client:
        tasks = [asyncio.create_task(client.get(url, timeout=TIMEOUT)) for url in urls]
        for _ in range(_LOOKS):
            await asyncio.sleep(TICK)
            if client.stats()["connections"]["in_use"] == len(urls):
                break
        in_flight, began = client.stats()["connections"]["in_use"], time.perf_counter()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while _left(client) and time.perf_counter() - began < TIMEOUT:  # noqa: ASYNC110  # not told, but looked for
            await asyncio.sleep(0)
        return Cancelled(in_flight=in_flight, seconds=time.perf_counter() - began, left=_left(client))


def _left(client: Client) -> int:
    stats = client.stats()
    return stats["connections"]["open"] + stats["descriptors"]["used"] + stats["queue"] + stats["origins"]


class _Counting:
    """Counts the handshakes that are under way, as the event hook tells them."""

    def __init__(self) -> None:
        self.most = 0
        self._now: set[int] = set()

    def __call__(self, event: Event) -> None:
        if event.phase in ("dns", "connect", "tls"):
            (self._now.add if event.step is Step.STARTED else self._now.discard)(event.id)
            self.most = max(self.most, len(self._now))


class _Ticking:
    """A timer that is set again and again: how late it was at worst, and how often too early."""

    def __init__(self) -> None:
        self.late, self.early = 0.0, 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            over = loop.time() - due
            self.late, self.early = max(self.late, over), self.early + (over < -0.001)  # loops count milliseconds


async def start_cold(urls: Sequence[str]) -> Started:
    """Send a request to each of these origins at once."""
    counting, ticking = _Counting(), _Ticking()
    limits = Limits(total=len(urls), handshakes=HANDSHAKES)
    async with Client(limits=limits, on_event=counting) as client, asyncio.TaskGroup() as group:
        ticks = group.create_task(ticking.run())
        requests = [client.prepare("GET", url) for url in urls]
        began = time.perf_counter()
        answers = await asyncio.gather(*(client.send(one, timeout=TIMEOUT) for one in requests), return_exceptions=True)
        took = time.perf_counter() - began
        ticks.cancel()
    failed = sum(isinstance(answer, BaseException) or answer.status != 200 for answer in answers)
    return Started(handshakes=counting.most, failed=failed, seconds=took, late=ticking.late, early=ticking.early)


@contextlib.contextmanager
def silence(count: int) -> Iterator[list[str]]:
    """URLs of so many origins that accept, as the kernel does it by itself, and say nothing."""
    listeners = -(-count // BACKLOG)
    base = free_ports(listeners)
    with contextlib.ExitStack() as stack:
        for port in range(base, base + listeners):
            listener = stack.enter_context(socket.socket())
            listener.bind(("0.0.0.0", port))  # noqa: S104  # the only listen that answers on all of 127.0.0.0/8
            listener.listen(BACKLOG)
        yield [f"http://{address(index)}:{base + index // BACKLOG}/" for index in range(count)]


def apart(work: Callable[[Sequence[str]], Coroutine[None, None, T]], urls: Sequence[str]) -> T:
    """Do it on an event loop in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_run, work, urls).result()


def _run(work: Callable[[Sequence[str]], Coroutine[None, None, T]], urls: Sequence[str]) -> T:
    raise_descriptor_limit()
    return uvloop.run(work(urls))


def rows(server: Origins, count: int) -> list[Row]:
    """Both, each in a process of its own."""
    with silence(count) as urls:
        cancelled = apart(cancel_all, urls)
    started = apart(start_cold, server.plain(count))
    return [
        Row(
            what=f"cancelling {cancelled.in_flight:,} requests in flight",
            goal="pool clean within 1 s",
            measured=f"{cancelled.seconds:.2f} s, {cancelled.left} left",
            met=cancelled.in_flight == count and cancelled.seconds <= 1.0 and not cancelled.left,
        ),
        Row(
            what=f"cold start of {count:,} origins",
            goal=f"<= {HANDSHAKES} handshakes at once, no timer misfires",
            measured=f"{started.handshakes} at most, {started.failed} failed in {started.seconds:.1f} s; "
            f"a {TICK * 1000:.0f} ms timer was {started.early} times early, {started.late * 1000:.0f} ms late at worst",
            met=started.handshakes <= HANDSHAKES and not started.failed and not started.early,
        ),
    ]
