"""Calls that end when a test says so, on a loop whose time stands still until it says so, too."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from tests.support.stepping import SteppedLoop

T = TypeVar("T")


class Asked(Generic[T]):
    """A call: it begins when it is made, and ends as it is told."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self._attempts: list[asyncio.Future[T]] = []

    async def __call__(self) -> T:
        self.begun += 1
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._attempts.append(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def answer(self, value: T, attempt: int = -1) -> None:
        """Let an attempt end well; by default the one begun last."""
        self._attempts[attempt].set_result(value)

    def fail(self, error: BaseException, attempt: int = -1) -> None:
        """Let an attempt fail."""
        self._attempts[attempt].set_exception(error)

    @property
    def open(self) -> list[asyncio.Future[T]]:
        """The attempts that have not ended."""
        return [attempt for attempt in self._attempts if not attempt.done()]

    def answer_all(self, value: T) -> None:
        """Let every attempt under way end well."""
        for attempt in self.open:
            attempt.set_result(value)

    def fail_all(self, error: BaseException) -> None:
        """Let every attempt under way fail."""
        for attempt in self.open:
            attempt.set_exception(error)

    def lose(self, attempt: int = -1) -> None:
        """Cancel what an attempt waits for."""
        self._attempts[attempt].cancel()


class Scene(SteppedLoop):
    """The loop, with shorter words for tests."""

    def begin(self, work: Any) -> asyncio.Task[Any]:
        """Run something until it waits for something."""
        task = self.create_task(work)
        self.settle()
        return task

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += seconds
        self.settle()

    def cancel(self, task: "asyncio.Task[Any]") -> None:
        """Cancel something, and let it end."""
        task.cancel()
        self.settle()

    def next_turn(self, callback: Callable[[], object]) -> None:
        """Call something in the turn after the next thing that happens."""
        self.call_soon(lambda: self.call_soon(callback))

    def unheard(self) -> list[str]:
        """What went wrong so that nobody will ever hear of it."""
        gc.collect()
        return [str(complaint["message"]) for complaint in self.complaints]

    def timers(self) -> int:
        """How many timers are set. asyncio's own loop keeps those that were cancelled for a while."""
        return sum(not timer.cancelled() for timer in vars(self)["_scheduled"])

    def pending(self) -> int:
        """How many tasks there are that have not ended."""
        return sum(not task.done() for task in asyncio.all_tasks(self))


@contextmanager
def scene() -> Iterator[Scene]:
    """A loop that is closed at the end; nothing may have gone wrong unheard, and nothing be left."""
    loop = Scene()
    try:
        yield loop
        loop.settle()
        assert loop.complaints == []
        assert (loop.pending(), loop.timers()) == (0, 0)
    finally:
        for task in asyncio.all_tasks(loop):  # of a test that failed: their own complaints would hide it
            task.cancel()
        loop.settle()
        loop.close()
