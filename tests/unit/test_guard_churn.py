"""When it is too much, and what is forgotten."""

import math
from typing import Any

import msgspec
import pytest

from milkrun.client import UsageError
from milkrun.client.guard.churn import Limits, Window, forget_oldest


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"clients": -1}, "clients=-1: expected 0 or more"),
        ({"sockets": -1}, "sockets=-1: expected 0 or more"),
        ({"within": math.nan}, "within=nan: expected 0 or more"),
        ({"remembered": 0}, "remembered=0: expected 1 or more"),
    ],
)
def test_limits_that_mean_nothing_are_refused(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Limits(**limits)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0, 1, 2], []),
        ([0, 1, 2, 3], [3]),
        ([0, 1, 2, 10], [10]),
        ([0, 1, 2, 10.5], []),
        ([0, 5, 9, 11, 12], [12]),
        ([0, 0, 0, 0, 0, 0, 0, 0], [0]),
        ([0, 100, 200, 300, 301, 302, 303, 304], [303]),
    ],
)
def test_more_than_three_within_ten_seconds_are_too_many_and_told_once(times: list[float], told: list[float]) -> None:
    window = Window(3)
    assert [now for now in times if window.overflows(now, 10)] == told
    assert window.told == bool(told)


def test_a_window_knows_when_it_was_last_used() -> None:
    window = Window(3)
    assert window.last == -math.inf
    window.overflows(5, 10)
    window.overflows(7, 10)
    assert window.last == 7


class Counter(msgspec.Struct):
    window: Window


def seen_at(now: float) -> Counter:
    counter = Counter(Window(3))
    counter.window.overflows(now, 10)
    return counter


def test_of_too_many_the_half_seen_last_is_kept() -> None:
    known = {name: seen_at(now) for name, now in [("a", 1), ("b", 9), ("c", 2), ("d", 8), ("e", 3)]}
    forget_oldest(known, 4)
    assert set(known) == {"b", "d"}


def test_as_many_as_may_be_are_all_kept() -> None:
    known = {name: seen_at(now) for now, name in enumerate("abcd")}
    forget_oldest(known, 4)
    assert len(known) == 4
