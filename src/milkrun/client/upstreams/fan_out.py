"""Many calls at once under one deadline: what came in time, and for each missing answer the reason."""

import asyncio
from collections.abc import Mapping
from typing import Any, Generic

import msgspec

from milkrun.client.upstreams.calls import Call, T, checked
from milkrun.client.upstreams.missing import Missing, Reason, reason_of
from milkrun.client.upstreams.numbers import seconds
from milkrun.client.upstreams.parting import let_go


class FanOut(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What became of the calls; each name is in one of the two, in the order in which they were asked.

    Attributes:
        results: the answers that came.
        missing: why there is none.
    """

    results: dict[str, T]
    missing: dict[str, Missing]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


async def fan_out(calls: Mapping[str, Call[T]], *, within: float) -> FanOut[T]:
    """Make all calls at once and return when all have ended, or after `within` seconds with what there is.

    The deadline cancels the rest and gives it a moment (`parting.GRACE`) for its clean-up. An answer that has arrived
    when it strikes counts. If the caller is cancelled, so are all calls.

    Args:
        calls: by name; each is called once, in a task of its own.
        within: seconds.

    Raises:
        UsageError: for a time that is none, and for what cannot be called. No call's `Exception` is raised: it is the
            missing one's `error`. What is no `Exception` (KeyboardInterrupt, SystemExit) ends everything and is raised.
    """
    seconds("within", within)
    for name, call in calls.items():
        checked(name, call)
    return await _Round(calls).finish(within) if calls else FanOut(results={}, missing={})


class _Round(Generic[T]):
    """The calls under way.

    A call writes its end down itself, in its own task, and only the last one wakes the caller: so a call costs its
    task and nothing else.
    """

    __slots__ = ("_answers", "_given_up", "_left", "_loop", "_missing", "_names", "_over", "_started", "_tasks")

    def __init__(self, calls: Mapping[str, Call[T]]) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._started = loop.time()
        self._names = tuple(calls)  # the mapping is the caller's, who may go on with it
        self._answers: dict[str, T] = {}
        self._missing: dict[str, Missing] = {}
        self._left = len(calls)
        self._given_up = False  # what comes now comes too late
        self._over: asyncio.Future[None] = loop.create_future()
        self._tasks: list[asyncio.Task[Any]] = [
            loop.create_task(self._make(name, call), name=name) for name, call in calls.items()
        ]

    async def finish(self, within: float) -> FanOut[T]:
        """Wait for the last call or the deadline, and let go what is still under way."""
        timer = self._loop.call_later(within, self._end)
        try:
            await self._over
            return self._outcome()
        finally:
            self._given_up = True
            timer.cancel()
            self._missing.clear()  # an error's traceback leads here: it would keep itself alive
            if self._left:
                await let_go(self._tasks)

    async def _make(self, name: str, call: Call[T]) -> None:
        try:
            self._answers[name] = await call()
        except BaseException as err:
            if self._given_up or isinstance(err, GeneratorExit):  # its loop is gone, and whoever waited with it
                raise
            if not isinstance(err, Exception | asyncio.CancelledError):
                self._end(err)  # raised again by the caller
                return
            self._miss(name, err)  # a call's failure is a result
        self._left -= 1
        if not self._left:
            self._end()

    def _miss(self, name: str, error: BaseException) -> None:
        self._missing[name] = Missing(reason=reason_of(error), error=error, seconds=self._loop.time() - self._started)

    def _end(self, error: BaseException | None = None) -> None:
        if self._over.done():  # ended already, or its caller was cancelled
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _outcome(self) -> FanOut[T]:
        answers, missing = self._answers, self._missing
        results = {name: answers[name] for name in self._names if name in answers}
        if len(results) == len(self._names):
            return FanOut(results=results, missing={})
        late = Missing(reason=Reason.DEADLINE, error=None, seconds=self._loop.time() - self._started)
        return FanOut(
            results=results, missing={name: missing.get(name, late) for name in self._names if name not in answers}
        )
