"""The verdict on one check."""

import pytest

from milkrun.core.condition import parse_condition
from milkrun.core.evaluate import Verdict, evaluate, needs_body, needs_headers
from milkrun.core.observation import Observation, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from tests.support.judging import observed

SLOW = Timings(total=2.0, wait=2.0)
REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="127.0.0.1:1 refused")
TIMEOUT = Failure(layer=Layer.WAIT, kind="timeout", message="no answer within 2 s")
DESCRIPTORS = Failure(layer=Layer.SELF, kind="descriptors", message="all in use")


def verdict(observation: Observation, *conditions: str, degraded: tuple[str, ...] = ()) -> Verdict:
    rules = [parse_condition(text) for text in conditions]
    return evaluate(observation, rules, [parse_condition(text) for text in degraded])


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.UP), (399, Outcome.UP), (400, Outcome.DOWN)])
def test_without_conditions_a_status_below_400_is_up(status: int, outcome: Outcome) -> None:
    result = verdict(observed(status=status))
    assert result.outcome is outcome
    assert [condition.condition for condition in result.conditions] == ["[STATUS] < 400"]


def test_the_default_condition_also_stands_beside_degraded_ones() -> None:
    assert verdict(observed(status=500), degraded=("[STATUS] == 500",)).outcome is Outcome.DOWN


def test_all_conditions_are_judged_and_one_that_fails_is_down_without_a_failure() -> None:
    result = verdict(observed(status=500), "[STATUS] == 200", "[CONNECTED] == true")
    assert (result.outcome, result.failure) == (Outcome.DOWN, None)
    assert [condition.passed for condition in result.conditions] == [False, True]


def test_a_degraded_condition_that_fails_only_degrades() -> None:
    result = verdict(observed(timings=SLOW), "[STATUS] == 200", degraded=("[RESPONSE_TIME] < 1s",))
    assert (result.outcome, result.failure) == (Outcome.DEGRADED, None)
    assert [condition.shown for condition in result.conditions] == [
        "[STATUS] == 200",
        "[RESPONSE_TIME] (2000) < 1s",
    ]


def test_down_wins_over_degraded() -> None:
    result = verdict(observed(status=500), "[STATUS] == 200", degraded=("[STATUS] == 201",))
    assert (result.outcome, len(result.conditions)) == (Outcome.DOWN, 2)


def test_all_conditions_and_degraded_conditions_that_hold_are_up() -> None:
    assert verdict(observed(), "[STATUS] == 200", degraded=("[STATUS] < 300",)).outcome is Outcome.UP


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [(REFUSED, Outcome.DOWN), (TIMEOUT, Outcome.DOWN), (DESCRIPTORS, Outcome.UNKNOWN)],
)
def test_a_failure_is_down_and_our_own_is_unknown(failure: Failure, outcome: Outcome) -> None:
    result = verdict(observed(status=None, failure=failure), "[STATUS] == 200")
    assert result == Verdict(outcome=outcome, conditions=(), failure=failure)


@pytest.mark.parametrize(
    ("lag", "deadline", "outcome"),
    [
        (0.05, 0.0, Outcome.DOWN),
        (0.051, 0.0, Outcome.UNKNOWN),
        (0.4, 10.0, Outcome.DOWN),
        (0.5, 10.0, Outcome.DOWN),
        (0.501, 10.0, Outcome.UNKNOWN),
    ],
)
def test_a_timeout_is_our_overload_only_beyond_the_tolerated_lag(lag: float, deadline: float, outcome: Outcome) -> None:
    result = verdict(observed(status=None, failure=TIMEOUT, lag=lag, timeout=deadline))
    assert result.outcome is outcome
    assert result.failure is not None
    assert (result.failure.kind == "overload") is (outcome is Outcome.UNKNOWN)


def test_an_overload_says_how_long_the_loop_was_held_and_instead_of_what() -> None:
    result = verdict(observed(status=None, failure=TIMEOUT, lag=1.0, timeout=2.0))
    assert result.failure is not None
    assert "1000 ms" in result.failure.message
    assert "wait/timeout" in result.failure.message


def test_lag_is_no_excuse_for_a_refusal() -> None:
    assert verdict(observed(status=None, failure=REFUSED, lag=1.0)).failure is REFUSED


@pytest.mark.parametrize(
    ("conditions", "degraded", "outcome"),
    [
        (("[RESPONSE_TIME] < 1s",), (), Outcome.UNKNOWN),
        (("[WAIT] < 1s", "[STATUS] == 200"), (), Outcome.UNKNOWN),
        (("[RESPONSE_TIME] < 1s", "[STATUS] == 201"), (), Outcome.DOWN),
        (("[STATUS] == 200",), ("[RESPONSE_TIME] < 1s",), Outcome.UNKNOWN),
        (("[STATUS] == 200",), ("[RESPONSE_TIME] < 1s", "[STATUS] == 201"), Outcome.DEGRADED),
        (("[RESPONSE_TIME] < 1s",), ("[STATUS] == 201",), Outcome.UNKNOWN),
        (("[RESPONSE_TIME] < 9s",), (), Outcome.UP),
    ],
)
def test_lag_is_blamed_where_time_conditions_alone_decided(
    conditions: tuple[str, ...], degraded: tuple[str, ...], outcome: Outcome
) -> None:
    result = verdict(observed(timings=SLOW, lag=1.0, timeout=10.0), *conditions, degraded=degraded)
    assert result.outcome is outcome
    assert (result.failure is not None) is (outcome is Outcome.UNKNOWN)
    assert len(result.conditions) == len(conditions) + len(degraded)


def test_the_conditions_together_know_what_a_probe_must_keep() -> None:
    plain, body, header = (parse_condition(text) for text in ("[STATUS] == 200", "[BODY].x == 1", "[HEADER].etag == x"))
    assert (needs_body([plain]), needs_headers([plain])) == (False, False)
    assert (needs_body([plain], [body]), needs_headers([plain], [body])) == (True, False)
    assert (needs_body([header]), needs_headers([header])) == (False, True)
