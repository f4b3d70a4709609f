"""What is remembered of an origin: how long it lets its connections idle, and whether it can share them."""

import math

import pytest

from milkrun.client.pool.learnt import Learnt, Memory, before, heeded

USUAL = 120.0


def closed(*idle: float) -> Learnt:
    """What is learnt when the server closes connections that were idle for so long, one after the other."""
    learnt, now = Learnt(), 1000.0
    for seconds in idle:
        now += seconds
        learnt.closed_idle(seconds, math.inf, now)
    return learnt


@pytest.mark.parametrize(("timeout", "seconds"), [(5.0, 4.0), (60.0, 59.0), (1.5, 0.75), (0.0, 0.0)])
def test_a_connection_is_given_up_in_time(timeout: float, seconds: float) -> None:
    assert before(timeout) == seconds


@pytest.mark.parametrize(
    ("field", "left"),
    [
        (None, 120.0),
        ("max=5", 120.0),
        ("timeout=5", 4.0),
        ("max=9, Timeout = 10", 9.0),
        ("timeout=500", 120.0),
        ("timeout=1", 0.5),
    ],
)
def test_a_keep_alive_field_shortens_the_patience_and_never_prolongs_it(field: str | None, left: float) -> None:
    assert heeded(USUAL, field) == left


@pytest.mark.parametrize(
    ("idle", "patience"),
    [
        ((5.0,), USUAL),  # once is chance
        ((5.0, 5.5), 4.5),
        ((5.0, 60.0), USUAL),
        ((60.0, 5.0, 5.0), 4.0),
        ((0.5, 0.5), USUAL),  # so fast closes nobody by habit
        ((500.0, 500.0), USUAL),
    ],
)
def test_two_closes_alike_are_a_habit(idle: tuple[float, ...], patience: float) -> None:
    assert closed(*idle).patience(USUAL, 1000.0 + sum(idle)) == patience


def test_a_habit_is_believed_for_ten_minutes() -> None:
    learnt = closed(5.0, 5.0)
    assert learnt.patience(USUAL, 1010.0 + 599) == 4.0
    assert learnt.patience(USUAL, 1010.0 + 600) == USUAL


def test_a_connection_found_dead_is_doubted_longer_each_time() -> None:
    learnt, now = Learnt(), 1000.0
    for seconds in (60, 120, 240, 480, 600, 600):
        learnt.was_stale(10.0, math.inf, now)
        assert learnt.patience(USUAL, now + seconds - 1) == 9.0
        assert learnt.patience(USUAL, now + seconds) == USUAL
        now += seconds + 10


def test_a_doubt_that_nothing_has_confirmed_for_as_long_as_it_lasted_begins_anew() -> None:
    learnt = Learnt()
    learnt.was_stale(10.0, math.inf, 1000.0)
    learnt.was_stale(10.0, math.inf, 1060.0 + 59)
    assert learnt.until == 1119.0 + 120
    learnt.was_stale(10.0, math.inf, 1239.0 + 120)
    assert learnt.until == 1359.0 + 60


@pytest.mark.parametrize("survived", [0.1, 7.5, 30.0])
def test_an_end_of_a_connection_that_has_been_idle_before_is_chance(survived: float) -> None:
    learnt = Learnt()
    learnt.was_stale(10.0, survived, 1000.0)
    assert learnt.patience(USUAL, 1000.0) == USUAL


@pytest.mark.parametrize(("survived", "patience"), [(7.5, USUAL), (30.0, USUAL), (7.0, 9.0), (math.inf, 9.0)])
def test_two_closes_alike_are_chance_where_as_much_was_survived_before(survived: float, patience: float) -> None:
    learnt = Learnt()
    for _ in range(2):
        learnt.closed_idle(10.0, survived, 1000.0)
    assert learnt.patience(USUAL, 1000.0) == patience


def test_a_connection_found_dead_at_once_says_nothing_of_habits() -> None:
    learnt = Learnt()
    learnt.was_stale(0.9, math.inf, 1000.0)
    assert learnt.patience(USUAL, 1000.0) == USUAL


def test_a_memory_that_is_full_forgets_whom_it_met_first() -> None:
    memory = Memory(size=2)
    first, second = memory.of("a"), memory.of("b")
    assert memory.of("a") is first
    memory.of("c")
    assert memory.of("b") is second
    assert memory.of("a") is not first
