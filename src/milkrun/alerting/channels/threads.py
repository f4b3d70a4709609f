"""Calls that block, in threads that nobody has to wait for: a hung one holds neither its loop nor the end of all."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class AllBusyError(Exception):
    """As many calls as there may be are still under way."""


class Threads:
    """At most `most` calls at a time, each in a thread of its own.

    An executor's threads are joined when the interpreter ends, so that one which hangs would hang that; these are
    daemons. Whoever stops waiting for a call leaves it behind, and it counts until it is over.
    """

    def __init__(self, most: int, name: str) -> None:
        self._name = name
        self._places = threading.Semaphore(most)

    async def call(self, function: Callable[[], T]) -> T:
        """What the function returns or raises. Raises AllBusyError at once where there is no place for it."""
        if not self._places.acquire(blocking=False):
            raise AllBusyError
        future: Future[T] = Future()
        thread = threading.Thread(target=self._run, args=(function, future), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            self._places.release()
            raise AllBusyError from None
        return await asyncio.wrap_future(future)

    def _run(self, function: Callable[[], T], future: "Future[T]") -> None:
        if not future.set_running_or_notify_cancel():
            self._places.release()
            return
        try:
            result = function()
        except BaseException as err:  # noqa: BLE001 - not swallowed: it is raised where the call is awaited
            self._places.release()
            future.set_exception(err)
        else:
            self._places.release()  # first: whoever awaits it may call again at once
            future.set_result(result)
