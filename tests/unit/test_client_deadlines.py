"""Deadlines on few timers, on a loop and a clock that tests move by hand."""

import asyncio
import math
import weakref
from typing import cast

from milkrun.client.exchange.deadlines import QUANTUM, Deadlines
from tests.support.timers import TimerLoop


class Item:
    def __init__(self, due: float) -> None:
        self.due, self.watched = due, math.inf
        self.struck: list[float] = []

    def strike(self, now: float) -> None:
        self.struck.append(now)
        self.due = math.inf


def made() -> tuple[TimerLoop, Deadlines]:
    loop = TimerLoop()
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


def test_who_is_forgotten_is_not_struck_and_not_kept() -> None:
    loop, deadlines = made()
    item, other = Item(101.0), Item(101.0)
    deadlines.watch(item)
    deadlines.watch(other)
    gone = weakref.ref(item)

    deadlines.forget(item)
    assert item.watched == math.inf
    deadlines.forget(item)
    del item

    assert gone() is None
    loop.advance(5)
    assert len(other.struck) == 1


def test_who_is_given_an_earlier_time_lies_in_one_bucket_only() -> None:
    loop, deadlines = made()
    item = Item(200.0)
    deadlines.watch(item)
    item.due = 101.0
    deadlines.watch(item)
    gone = weakref.ref(item)
    loop.advance(5)
    assert len(item.struck) == 1
    del item

    assert gone() is None


def test_who_is_forgotten_by_the_strike_of_another_at_the_same_time_is_not_struck() -> None:
    loop, deadlines = made()
    second = Item(101.0)

    class First(Item):
        def strike(self, now: float) -> None:
            super().strike(now)
            deadlines.forget(second)

    first = First(101.0)
    deadlines.watch(first)
    deadlines.watch(second)
    loop.advance(5)

    assert (len(first.struck), len(second.struck)) == (1, 0)
