"""One contestant's round: a first burst from nothing, then the rest, so many at once; measured as it goes."""

import asyncio
import errno
import gc
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, TypeAlias

from milkrun.client.compare.counting import Counts
from milkrun.client.compare.figures import Figures, Round, quantile
from milkrun.client.compare.kernel import opened_by_all, time_wait
from milkrun.client.compare.ours import Ask
from milkrun.client.compare.plan import Plan
from milkrun.client.errors import RequestError
from milkrun.client.pool.descriptors import descriptor_limit

Session: TypeAlias = AbstractAsyncContextManager[Ask]


class Mark(NamedTuple):
    """A moment: the clocks and the counts at it."""

    wall: float
    cpu: float
    lookups: int
    connections: int
    handshakes: int
    contexts: int

    @classmethod
    def now(cls, counts: Counts) -> "Mark":
        """This moment."""
        return cls(
            time.perf_counter(),
            time.process_time(),
            counts.lookups,
            counts.connections,
            counts.handshakes,
            counts.contexts,
        )


class Tally:
    """What came of requests."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    async def count(self, ask: Ask) -> None:
        """Send one request and count what comes of it."""
        began = time.perf_counter()
        try:
            status = await ask()
        except Exception as err:  # noqa: BLE001  # whatever a contestant raises is its result
            self.errors[kind_of(err)] += 1
        else:
            self.seconds.append(time.perf_counter() - began)
            self.statuses[str(status)] += 1

    def __add__(self, other: "Tally") -> "Tally":
        both = Tally()
        both.seconds = self.seconds + other.seconds
        both.statuses = self.statuses + other.statuses
        both.errors = self.errors + other.errors
        return both


async def run(plan: Plan, counts: Counts, session: Session) -> Round:
    """Run the round."""
    gc.collect()
    everybody = opened_by_all()
    began = Mark.now(counts)
    async with session as ask:
        burst = await _send(ask, plan.concurrency, at_once=plan.concurrency)
        then = Mark.now(counts)
        steady = await _send(ask, plan.requests - plan.concurrency, at_once=plan.concurrency)
        after = Mark.now(counts)
    ended = Mark.now(counts)
    opened = opened_by_all()
    all_of_it = burst + steady
    return Round(
        contestant=plan.contestant,
        whole=_figures(began, ended, all_of_it),
        burst=_figures(began, then, burst),
        steady=_figures(then, after, steady) if plan.requests > plan.concurrency else None,
        failed_connections=counts.failed_connections,
        descriptors=counts.descriptors,
        descriptor_limit=descriptor_limit(),
        time_wait=await time_wait(counts.ports),
        kernel_connections=None if opened is None or everybody is None else opened - everybody,
        statuses=dict(all_of_it.statuses),
        errors=dict(all_of_it.errors),
    )


async def _send(ask: Ask, requests: int, *, at_once: int) -> Tally:
    tally = Tally()
    left = iter(range(requests))
    async with asyncio.TaskGroup() as workers:
        for _ in range(min(at_once, requests)):
            workers.create_task(_work(ask, left, tally))
    return tally


async def _work(ask: Ask, left: Iterator[int], tally: Tally) -> None:
    for _ in left:
        await tally.count(ask)


def _figures(start: Mark, end: Mark, tally: Tally) -> Figures:
    answered = len(tally.seconds)
    return Figures(
        requests=answered + tally.errors.total(),
        answered=answered,
        wall=end.wall - start.wall,
        cpu=end.cpu - start.cpu,
        p50=quantile(tally.seconds, 0.5),
        p99=quantile(tally.seconds, 0.99),
        lookups=end.lookups - start.lookups,
        connections=end.connections - start.connections,
        handshakes=end.handshakes - start.handshakes,
        contexts=end.contexts - start.contexts,
    )


def kind_of(error: BaseException) -> str:
    """What to count an error as: its class, and what is at the bottom of it: "ConnectError: EMFILE"."""
    if isinstance(error, RequestError):
        return f"{error.layer}/{error.kind}"
    detail = next(filter(None, map(_detail, _causes(error))), "")
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    for cause in (*getattr(error, "exceptions", ()), error.__cause__ or error.__context__):
        if cause is not None:
            yield from _causes(cause)


def _detail(error: BaseException) -> str:
    if isinstance(error, RequestError):
        return f"{error.layer}/{error.kind}"
    if isinstance(error, socket.gaierror):
        return "getaddrinfo"  # its numbers are no errno
    if isinstance(error, ssl.SSLError):
        return type(error).__name__  # nor are these
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number or 0, "")
