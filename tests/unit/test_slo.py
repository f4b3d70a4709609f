"""Objectives: what counts, what is left of a budget, how fast it burns, and when that matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Period, roll_up
from milkrun.core.slo import (
    ALARM_WINDOWS,
    ALARMS,
    DAY,
    HOUR,
    MINUTE,
    Alarm,
    Burning,
    Counts,
    Objective,
    alarm,
    budget,
    burn_rate,
    counts,
    covered,
)
from tests.support.history import a_result

THREE_NINES = Objective(target=0.999)
QUIET = Counts(up=1_000)
COUNTS = st.builds(Counts, **dict.fromkeys(("up", "degraded", "down", "unknown", "maintenance"), st.integers(0, 10**6)))
OBJECTIVES = st.builds(Objective, target=st.floats(0.5, 0.99999), window=st.integers(HOUR, 400 * DAY))


def test_slots_are_counted_over_roll_ups() -> None:
    results = [a_result(endpoint, outcome=outcome) for endpoint in (1, 2) for outcome in Outcome]
    found = counts(roll_up(Period.HOUR, [*results, a_result(maintenance=True)]))
    assert found == Counts(up=2, degraded=2, down=2, unknown=2, maintenance=1)
    assert (found.events, found.slots) == (6, 9)


def test_degraded_is_well_and_what_is_unknown_or_under_maintenance_is_no_event() -> None:
    assert Counts(up=1, degraded=1, down=2, unknown=50, maintenance=50).availability == 0.5
    assert Counts(unknown=5, maintenance=5).availability is None


@given(COUNTS, COUNTS)
def test_counts_of_two_are_counts_together(one: Counts, other: Counts) -> None:
    both = one + other
    assert (both.events, both.slots) == (one.events + other.events, one.slots + other.slots)


def test_a_budget_is_downtime_that_was_allowed_spent_and_left() -> None:
    found = budget(Objective(target=0.99), Counts(up=997, down=3), 30 * DAY)
    assert found is not None
    assert (found.allowed, found.spent) == (round(0.3 * DAY), round(0.09 * DAY))
    assert found.left == found.allowed - found.spent
    assert found.share == pytest.approx(0.7)


def test_time_that_does_not_count_is_no_time_of_the_budgets() -> None:
    found = budget(Objective(target=0.9), Counts(up=50, unknown=30, maintenance=20), 10 * HOUR)
    assert found is not None
    assert (found.allowed, found.spent) == (30 * MINUTE, 0)


def test_without_events_there_is_no_budget_and_no_burn_rate() -> None:
    assert budget(THREE_NINES, Counts(unknown=7), DAY) is None
    assert burn_rate(THREE_NINES, Counts(unknown=7)) is None


@given(OBJECTIVES, COUNTS, st.integers(0, 400 * DAY))
def test_a_budget_is_overspent_exactly_where_the_target_is_missed(
    objective: Objective, found: Counts, time: int
) -> None:
    left, availability, rate = budget(objective, found, time), found.availability, burn_rate(objective, found)
    assert (left is None) == (availability is None) == (rate is None)
    if left is not None and availability is not None and rate is not None:
        assert rate == pytest.approx(1 - left.share, abs=1e-6)
        if abs(left.share) > 1e-9:
            assert (left.share < 0) == (availability < objective.target) == (rate > 1)


@given(OBJECTIVES, COUNTS)
def test_what_is_left_out_changes_no_rate(objective: Objective, found: Counts) -> None:
    beside = found + Counts(unknown=1_000, maintenance=1_000)
    assert burn_rate(objective, beside) == burn_rate(objective, found)


@pytest.mark.parametrize(("line", "rate"), list(zip(ALARMS, (14.4, 6, 1), strict=True)))
def test_the_lines_over_thirty_days_are_the_workbooks(line: Burning, rate: float) -> None:
    assert line.rate(THREE_NINES) == pytest.approx(rate)


def burnt(down: dict[int, int]) -> dict[int, Counts]:
    """Counts by window, with so many of a thousand down in some."""
    return dict.fromkeys(ALARM_WINDOWS, QUIET) | {
        window: Counts(up=1_000 - count, down=count) for window, count in down.items()
    }


@pytest.mark.parametrize(
    ("down", "found"),
    [
        ({}, None),
        ({HOUR: 15, 5 * MINUTE: 15}, Alarm.PAGE),
        ({HOUR: 15}, None),  # it has stopped
        ({5 * MINUTE: 15}, None),  # it has only begun
        ({HOUR: 14, 5 * MINUTE: 14}, None),
        ({6 * HOUR: 7, 30 * MINUTE: 7}, Alarm.PAGE),
        ({3 * DAY: 2, 6 * HOUR: 2}, Alarm.TICKET),
        ({3 * DAY: 2, 6 * HOUR: 7, 30 * MINUTE: 7}, Alarm.PAGE),
    ],
)
def test_it_alarms_where_a_budget_burns_fast_and_still_does(down: dict[int, int], found: Alarm | None) -> None:
    line = alarm(THREE_NINES, burnt(down))
    assert (line and line.alarm) == found


def test_a_line_longer_than_the_objectives_window_says_nothing() -> None:
    down = burnt({3 * DAY: 900, 6 * HOUR: 900})
    assert alarm(Objective(target=0.999, window=2 * DAY), down) is None


def test_no_events_are_no_alarm() -> None:
    assert alarm(THREE_NINES, dict.fromkeys(ALARM_WINDOWS, Counts())) is None


@pytest.mark.parametrize(
    ("gaps", "time"),
    [
        ([], 100),
        ([(10, 30)], 80),
        ([(-5, 5), (95, 200)], 90),
        ([(10, 30), (20, 40), (15, 18)], 70),
        ([(20, 40), (10, 30)], 70),
        ([(-10, 200), (5, 6)], 0),
        ([(100, 200), (-9, 0)], 100),
    ],
)
def test_time_is_covered_where_no_gap_is(gaps: list[tuple[int, int]], time: int) -> None:
    assert covered(0, 100, gaps) == time


def test_no_time_at_all_is_not_covered() -> None:
    assert covered(10, 5, [(1, 20)]) == 0
