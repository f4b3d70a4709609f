"""Load shedding: who is admitted, who waits, who is refused, and that no place is ever lost."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.client import LoadShedder, Overloaded, UsageError, budget_spent
from milkrun.client.stats import Stats
from tests.support.upstreams import Scene, scene


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


class Guest:
    """Somebody who enters, stays until told to go, and leaves."""

    def __init__(self, loop: Scene, shedder: LoadShedder) -> None:
        self.inside = False
        self.went: asyncio.Future[None] = loop.create_future()
        self._shedder = shedder
        self.task = loop.create_task(self._visit())

    async def _visit(self) -> None:
        async with self._shedder:
            self.inside = True
            try:
                await self.went
            finally:
                self.inside = False


def guests(loop: Scene, shedder: LoadShedder, count: int) -> list[Guest]:
    come = [Guest(loop, shedder) for _ in range(count)]
    loop.settle()
    return come


def leave(loop: Scene, guest: Guest) -> None:
    guest.went.set_result(None)
    loop.settle()


def test_so_many_are_admitted_so_many_wait_and_the_next_is_refused_at_once(loop: Scene) -> None:
    shedder = LoadShedder(limit=2, queue=1, retry_after=3, name="shop")
    first, second, third, fourth = guests(loop, shedder, 4)
    assert [each.inside for each in (first, second, third)] == [True, True, False]
    error = fourth.task.exception()
    assert isinstance(error, Overloaded)
    assert str(error) == "the shop is overloaded: 2 are being served and 1 wait"
    assert error.retry_after == 3
    assert shedder.stats() == {
        "inside": 2,
        "queued": 1,
        "admitted_total": 2,
        "shed_total": {"queue": 1, "patience": 0, "budget": 0},
    }
    for each in (first, second, third):
        leave(loop, each)
    assert shedder.stats()["inside"] == 0
    assert shedder.stats()["admitted_total"] == 3


def test_who_waits_is_admitted_in_the_order_they_came(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=3)
    come = guests(loop, shedder, 4)
    for number, each in enumerate(come):
        assert [other.inside for other in come] == [other is each for other in come], number
        leave(loop, each)


def test_nobody_overtakes_who_was_just_let_in(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1)
    inside, waiting = guests(loop, shedder, 2)
    inside.went.set_result(None)
    loop.turn(2)
    (late,) = guests(loop, shedder, 1)
    assert (waiting.inside, late.inside) == (True, False)
    leave(loop, waiting)
    leave(loop, late)


def test_whoever_does_not_wait_takes_a_place_only_if_one_is_free(loop: Scene) -> None:
    shedder = LoadShedder(limit=1)

    async def both() -> tuple[bool, bool]:
        return shedder.try_enter(), shedder.try_enter()

    assert loop.finish(both()) == (True, False)
    shedder.leave()


def test_who_has_waited_for_as_long_as_one_may_is_refused(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1, patience=0.2)
    inside, waiting = guests(loop, shedder, 2)
    loop.wait(0.19)
    assert not waiting.task.done()
    loop.wait(0.02)
    with pytest.raises(Overloaded, match=r"no place was free for 0\.2 s"):
        waiting.task.result()
    assert shedder.stats()["shed_total"]["patience"] == 1
    (late,) = guests(loop, shedder, 1)  # the queue is free again
    leave(loop, inside)
    assert late.inside
    leave(loop, late)


def test_a_place_that_came_in_time_is_kept_though_the_time_is_up(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1, patience=0.2)
    loop.call_soon(shedder.try_enter)
    loop.settle()
    (waiting,) = guests(loop, shedder, 1)
    loop.moment += 0.2
    loop.call_soon(shedder.leave)  # in the turn in which patience ends
    loop.settle()
    assert waiting.inside
    leave(loop, waiting)
    assert shedder.stats()["inside"] == 0


def test_while_the_budget_is_spent_everyone_who_comes_is_refused(loop: Scene) -> None:
    spent = False
    shedder = LoadShedder(limit=5, queue=5, full=lambda: spent)
    (before,) = guests(loop, shedder, 1)
    spent = True
    (meanwhile,) = guests(loop, shedder, 1)
    spent = False
    (after,) = guests(loop, shedder, 1)
    with pytest.raises(Overloaded, match="its budget is spent"):
        meanwhile.task.result()
    assert before.inside
    assert after.inside
    leave(loop, before)
    leave(loop, after)


def test_who_is_cancelled_while_waiting_leaves_the_queue(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1)
    inside, waiting = guests(loop, shedder, 2)
    loop.cancel(waiting.task)
    assert shedder.stats()["queued"] == 0
    leave(loop, inside)
    assert shedder.stats()["inside"] == 0


def test_who_is_cancelled_as_a_place_is_given_gives_it_on(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=2)
    loop.call_soon(shedder.try_enter)
    loop.settle()
    first, second = guests(loop, shedder, 2)
    shedder.leave()
    loop.cancel(first.task)
    assert second.inside
    leave(loop, second)
    assert shedder.stats()["inside"] == 0


def test_who_is_cancelled_as_patience_ends_takes_no_place_along(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1, patience=0.2)
    inside, waiting = guests(loop, shedder, 2)
    loop.moment += 0.2
    loop.call_later(0, waiting.task.cancel)
    loop.settle()
    assert waiting.task.cancelled()
    leave(loop, inside)
    assert shedder.stats()["inside"] == 0


MOVES = st.tuples(
    st.sampled_from(["come", "leave", "cancel", "turn", "settle", "wait"]), st.integers(min_value=0, max_value=9)
)


@settings(max_examples=150, deadline=None)
@given(limit=st.integers(1, 3), queue=st.integers(0, 3), moves=st.lists(MOVES, max_size=30))
def test_whatever_happens_no_place_is_lost_and_none_is_given_twice(
    limit: int, queue: int, moves: list[tuple[str, int]]
) -> None:
    with scene() as loop:
        shedder = LoadShedder(limit=limit, queue=queue, patience=0.2)
        come: list[Guest] = []
        for move, number in moves:
            each = come[number % len(come)] if come else None
            if move == "come":
                come.append(Guest(loop, shedder))
            elif move == "leave" and each is not None and not each.went.done():
                each.went.set_result(None)
            elif move == "cancel" and each is not None:
                each.task.cancel()
            elif move == "turn":
                loop.turn(1)
            elif move == "settle":
                loop.settle()
            elif move == "wait":
                loop.wait(0.1)
            assert sum(guest.inside for guest in come) <= shedder.stats()["inside"] <= limit
            assert shedder.stats()["queued"] <= queue
        for guest in come:
            guest.task.cancel()
        loop.settle()
        ends = [None if guest.task.cancelled() else guest.task.exception() for guest in come]
        assert {type(end) for end in ends} <= {type(None), Overloaded}
        assert (shedder.stats()["inside"], shedder.stats()["queued"]) == (0, 0)
        others = guests(loop, shedder, limit)
        assert all(guest.inside for guest in others)
        for guest in others:
            leave(loop, guest)


def test_an_idle_one_serves_the_next_loop_and_a_busy_one_says_that_it_belongs_to_another() -> None:
    shedder = LoadShedder(limit=2)
    for _ in range(2):
        with scene() as loop:
            (guest,) = guests(loop, shedder, 1)
            leave(loop, guest)
    with scene() as loop, scene() as other:
        (guest,) = guests(loop, shedder, 1)
        (stranger,) = guests(other, shedder, 1)
        with pytest.raises(UsageError, match="the load shedder of the service belongs to the event loop that"):
            stranger.task.result()
        leave(loop, guest)


def test_after_a_fork_a_busy_one_says_so(loop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    shedder = LoadShedder(limit=2)
    (guest,) = guests(loop, shedder, 1)
    with scene() as childs:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        (stranger,) = guests(childs, shedder, 1)
        with pytest.raises(UsageError, match="the process was forked"):
            stranger.task.result()
        monkeypatch.undo()
    leave(loop, guest)


def test_who_leaves_without_having_entered_is_told_so_and_makes_no_place(loop: Scene) -> None:
    shedder = LoadShedder(limit=1)
    loop.finish(shedder.enter())
    shedder.leave()
    with pytest.raises(UsageError, match="nobody is inside the service: leave once for each place"):
        shedder.leave()
    assert shedder.stats()["inside"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": 0}, "limit=0: expected 1 or more"),
        ({"limit": 1, "queue": -1}, "queue=-1: expected 0 or more"),
        ({"limit": 1, "patience": 0}, "patience=0: expected seconds, more than 0"),
        ({"limit": 1, "retry_after": -1}, "retry_after=-1: expected seconds, more than 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LoadShedder(**options)  # type: ignore[arg-type]  # whichever it is, it is a number


def test_it_shows_how_busy_it_is(loop: Scene) -> None:
    shedder = LoadShedder(limit=1, queue=1, name="shop")
    come = guests(loop, shedder, 2)
    assert repr(shedder) == "<LoadShedder of shop: 1 of 1 inside, 1 waiting>"
    for each in come:
        leave(loop, each)


def figures(*, used: int = 0, idle: int = 0, queue: int = 0) -> Stats:
    return {
        "origins": 1,
        "connections": {"open": used, "idle": idle, "in_use": used - idle},
        "opened_total": used,
        "closed_total": {},
        "requests_total": 0,
        "warm_total": 0,
        "cold_total": 0,
        "stale_retries_total": 0,
        "descriptors": {"used": used, "budget": 100, "limit": 300},
        "time_wait": None,
        "queue": queue,
    }


@pytest.mark.parametrize(
    ("stats", "spent"),
    [
        (figures(used=89), False),
        (figures(used=90), True),
        (figures(used=100, idle=11), False),  # idle ones make room
        (figures(queue=3), False),
        (figures(queue=4), True),
    ],
)
def test_a_budget_is_spent_when_nearly_all_of_it_is_in_use_or_requests_wait(stats: Stats, spent: bool) -> None:
    assert budget_spent(lambda: stats, share=0.9, waiting=3)() is spent


def test_the_figures_are_asked_for_only_every_so_often() -> None:
    asked, now = 0, 100.0

    def stats() -> Stats:
        nonlocal asked
        asked += 1
        return figures(used=100 * (asked % 2))

    spent = budget_spent(stats, every=0.05, clock=lambda: now)
    assert [spent() for _ in range(10)] == [True] * 10
    assert asked == 1
    now += 0.05
    assert not spent()


@pytest.mark.parametrize("options", [{"share": 0}, {"share": 1.1}, {"waiting": -1}])
def test_a_budget_that_means_nothing_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="expected"):
        budget_spent(figures, **options)  # type: ignore[arg-type]  # whichever it is, it is a number
