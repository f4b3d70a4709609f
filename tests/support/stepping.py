"""An event loop on real sockets whose time stands still until a test puts it forward."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_QUIET = 24  # turns without a word from any socket, after which nothing can be under way: no chain of calls is as long
_MOST = 5_000  # turns in which everything comes to rest, or never


class _Counting(selectors.DefaultSelector):
    """Counts what it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        self.told += len(ready)
        return ready


class SteppedLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop by a clock of its own; `moment` is its time, in seconds."""

    def __init__(self) -> None:
        self.moment = 1_000.0
        self.complaints: list[Mapping[str, Any]] = []  # what went wrong with nobody there to hear it
        self._counting = _Counting()
        super().__init__(self._counting)
        self.set_exception_handler(lambda _, context: self.complaints.append(context))

    def time(self) -> float:
        """As asyncio has it."""
        return self.moment

    def turn(self, count: int) -> None:
        """Let so many turns pass, and no time."""
        self.run_until_complete(_turns(count))

    def settle(self) -> None:
        """Let everything happen that can happen without time passing."""
        self.run_until_complete(self._settled())

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something that needs no time; it fails if it does."""
        task = self.create_task(work)
        self.settle()
        assert task.done()
        return task.result()

    async def _settled(self) -> None:
        quiet = 0
        for _ in range(_MOST):
            told = self._counting.told
            await asyncio.sleep(0)
            quiet = quiet + 1 if told == self._counting.told else 0
            if quiet == _QUIET:
                return
        raise AssertionError("the loop never came to rest")


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
