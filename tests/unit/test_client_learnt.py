"""What is remembered of an origin: how long it lets its connections idle, and whether it can share them."""

import pytest

from milkrun.client.pool.learnt import Learnt, Memory, before, heeded

USUAL = 120.0


def closed(*idle: float) -> Learnt:
    """What is learnt when the server closes connections that were idle for so long, one after the other."""
    learnt, now = Learnt(), 1000.0
    for seconds in idle:
        now += seconds
        learnt.closed_idle(seconds, now)
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
    learnt = Learnt()
    for seconds in (60, 120, 240, 480, 600, 600):
        learnt.was_stale(10.0, 1000.0)
        assert learnt.patience(USUAL, 1000.0 + seconds - 1) == 9.0
        assert learnt.patience(USUAL, 1000.0 + seconds) == USUAL


def test_a_connection_found_dead_at_once_says_nothing_of_habits() -> None:
    learnt = Learnt()
    learnt.was_stale(0.9, 1000.0)
    assert learnt.patience(USUAL, 1000.0) == USUAL


def test_a_memory_that_is_full_forgets_whom_it_met_first() -> None:
    memory = Memory(size=2)
    first, second = memory.of("a"), memory.of("b")
    assert memory.of("a") is first
    memory.of("c")
    assert memory.of("b") is second
    assert memory.of("a") is not first
