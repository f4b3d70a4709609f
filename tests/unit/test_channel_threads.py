"""Calls that block, in threads which nobody has to wait for."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from milkrun.alerting.channels.threads import AllBusyError, Threads
from tests.support.turns import until


async def test_a_call_gives_what_its_function_returns_or_raises() -> None:
    threads = Threads(1, "calls")
    assert await threads.call(lambda: threading.current_thread().name) == "calls"
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 // 0)
    assert await threads.call(threading.current_thread) is not threading.current_thread()


async def test_there_are_no_more_than_there_may_be_and_one_left_behind_counts_until_it_is_over() -> None:
    threads, release, began = Threads(2, "calls"), threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        began.release()
        release.wait(30)

    for _ in range(2):
        call = asyncio.ensure_future(threads.call(hang))
        assert await until(lambda: began.acquire(blocking=False))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    with pytest.raises(AllBusyError):
        await threads.call(int)
    release.set()
    assert await until(lambda: not any(thread.name == "calls" for thread in threading.enumerate()))
    assert await threads.call(int) == 0


async def test_a_call_that_nobody_waits_for_any_more_before_it_began_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, called = Threads(1, "calls"), threading.Event()
    waiting: list[threading.Thread] = []
    with monkeypatch.context() as slow:
        slow.setattr(threading.Thread, "start", _starting_later(waiting))
        call = asyncio.ensure_future(threads.call(called.set))
        assert await until(lambda: bool(waiting))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    waiting[0].run()
    assert not called.is_set()
    assert await threads.call(int) == 0


async def test_a_system_without_threads_is_told_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(1, "calls")
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", _refuse)
        with pytest.raises(AllBusyError):
            await threads.call(int)
    assert await threads.call(int) == 0


def _starting_later(waiting: list[threading.Thread]) -> Callable[[threading.Thread], None]:
    def start(thread: threading.Thread) -> None:
        waiting.append(thread)

    return start


def _refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
