"""One subject in a process of its own: so that its CPU time and its memory are its own."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import uvloop

from benchmarks import load
from benchmarks.measure import raise_descriptor_limit
from benchmarks.subjects import make

_ORDERS: dict[str, Callable[..., Awaitable[Any]]] = {
    "visit": lambda subject, first, last: load.visit(subject.get, first, last),
    "spin": lambda subject, origins, seconds: load.spin(subject.get, origins, seconds),
    "fresh": lambda subject, origins, seconds: load.spin(subject.fresh, origins, seconds, concurrency=10),
    "burst": lambda subject, count: load.burst(subject.get, count),
    "pace": lambda subject, origins, rate, seconds: load.pace(subject.get, origins, rate, seconds),
    "hold": load.hold,
}


async def _obey(name: str, urls: Sequence[str], ca: str, orders: Connection) -> None:
    """Carry out orders until there are no more; the loop does nothing else while it waits for one."""
    subject = make(name, urls, ca)
    loop = asyncio.get_running_loop()
    while (order := await loop.run_in_executor(None, orders.recv)) is not None:
        verb, *arguments = order
        orders.send(await _ORDERS[verb](subject, *arguments))
    await subject.close()


def _run(name: str, urls: Sequence[str], ca: str, orders: Connection) -> None:
    raise_descriptor_limit()
    uvloop.run(_obey(name, urls, ca, orders))


class Child:
    """The measured process, seen from the measuring one."""

    def __init__(self, name: str, urls: Sequence[str], ca: str) -> None:
        self._name = name
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(name, urls, ca, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, verb: str, *arguments: Any) -> None:
        """Give an order; `result` waits for what comes of it."""
        self._orders.send((verb, *arguments))

    def result(self) -> Any:
        """What came of the order."""
        try:
            return self._orders.recv()
        except (EOFError, ConnectionResetError) as error:
            raise SystemExit(f"the measured process ({self._name}) ended early; its own words are above") from error

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Give an order and wait."""
        self.start(verb, *arguments)
        return self.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.is_alive() and kind is None:
            self._orders.send(None)
            self._process.join(10)
        self._process.kill()
        self._process.join()
