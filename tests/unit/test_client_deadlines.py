"""Deadlines on few timers, on a loop and a clock that tests move by hand."""

import asyncio
import math
from collections.abc import Callable
from typing import cast

from milkrun.client.deadlines import QUANTUM, Deadlines


class Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """As much of a loop as has timers. `now` is its clock."""

    def __init__(self) -> None:
        self.time = 100.0
        self.timers: list[Timer] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.time + delay, callback))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while due := [timer for timer in self.live() if timer.when <= end]:
            first = min(due, key=lambda timer: timer.when)
            self.timers.remove(first)
            self.time = max(self.time, first.when)
            first.callback()
        self.time = end

    def live(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]


class Item:
    def __init__(self, due: float) -> None:
        self.due, self.watched = due, math.inf
        self.struck: list[float] = []

    def strike(self, now: float) -> None:
        self.struck.append(now)
        self.due = math.inf


def made() -> tuple[Loop, Deadlines]:
    loop = Loop()
    return loop, Deadlines(cast("asyncio.AbstractEventLoop", loop), loop.now)


def test_a_deadline_strikes_once_not_early_and_hardly_late() -> None:
    loop, deadlines = made()
    items = [Item(100.0 + seconds) for seconds in (1.0, 0.5, 0.503, 2.0)]
    for item in items:
        deadlines.watch(item)
    due = [item.due for item in items]
    loop.advance(5)
    for item, when in zip(items, due, strict=True):
        assert len(item.struck) == 1
        assert when <= item.struck[0] <= when + QUANTUM + 1e-9
    assert loop.live() == []


def test_a_later_time_needs_no_second_watch() -> None:
    loop, deadlines = made()
    item = Item(101.0)
    deadlines.watch(item)
    item.due = 103.0
    loop.advance(2)
    assert item.struck == []
    loop.advance(2)
    assert len(item.struck) == 1


def test_an_earlier_time_is_watched_again_and_strikes_once() -> None:
    loop, deadlines = made()
    item = Item(103.0)
    deadlines.watch(item)
    item.due = 101.0
    deadlines.watch(item)
    loop.advance(5)
    assert len(item.struck) == 1
    assert item.struck[0] < 101.1


def test_what_has_no_deadline_any_more_is_let_go() -> None:
    loop, deadlines = made()
    item = Item(101.0)
    deadlines.watch(item)
    item.due = math.inf
    loop.advance(5)
    assert item.struck == []
    assert item.watched == math.inf
    assert loop.live() == []


def test_many_items_of_one_time_share_one_timer() -> None:
    loop, deadlines = made()
    for _ in range(1000):
        deadlines.watch(Item(110.0))
    assert len(loop.live()) == 1


def test_closing_strikes_no_more() -> None:
    loop, deadlines = made()
    item = Item(101.0)
    deadlines.watch(item)
    deadlines.close()
    loop.advance(5)
    assert item.struck == []


def test_a_timer_that_comes_a_little_early_is_set_again() -> None:
    loop, deadlines = made()
    item = Item(101.0)
    deadlines.watch(item)
    loop.time = 100.5
    loop.timers.pop().callback()
    assert item.struck == []
    assert len(loop.live()) == 1
