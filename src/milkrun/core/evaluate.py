"""The verdict on one check: an Observation and an endpoint's conditions become an Outcome.

A late event loop matters only where it could have caused the verdict: a timeout, or a verdict that time conditions
alone decided, while the loop was held longer than it may be, is Milkrun's own trouble. `up` stays `up`.
"""

from collections.abc import Sequence

import msgspec

from milkrun.core.condition import Condition, parse_condition
from milkrun.core.evidence import Evidence
from milkrun.core.observation import Observation
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult

# The lag that a check may suffer before it is blamed: seconds, or this share of the check's deadline if that is more.
TOLERATED_LAG = 0.05
TOLERATED_SHARE = 0.05

DEFAULT_CONDITIONS = (parse_condition("[STATUS] < 400"),)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check came to. `conditions` holds the degraded ones too, after the others; none without an answer."""

    outcome: Outcome
    conditions: tuple[ConditionResult, ...] = ()
    failure: Failure | None = None


def evaluate(
    observation: Observation, conditions: Sequence[Condition] = (), degraded: Sequence[Condition] = ()
) -> Verdict:
    """Judge one check. No conditions means `[STATUS] < 400`.

    A failure means `down`, or `unknown` where it is Milkrun's own; failing conditions leave it None; failing
    `degraded` conditions only degrade.
    """
    if observation.failure is not None:
        return _failed(observation, observation.failure)
    evidence = Evidence(observation)
    results, decisive = _judge(conditions or DEFAULT_CONDITIONS, evidence)
    outcome = Outcome.DOWN
    if degraded:
        more, minor = _judge(degraded, evidence)
        results += more
        if not decisive:
            outcome, decisive = Outcome.DEGRADED, minor
    if not decisive:
        return Verdict(outcome=Outcome.UP, conditions=tuple(results))
    if _late(observation) and all(condition.is_time for condition in decisive):
        blamed = _overload(observation, "a slow answer")
        return Verdict(outcome=Outcome.UNKNOWN, conditions=tuple(results), failure=blamed)
    return Verdict(outcome=outcome, conditions=tuple(results))


def needs_body(conditions: Sequence[Condition], degraded: Sequence[Condition] = ()) -> bool:
    """Whether any of the conditions reads the body."""
    return any(condition.needs_body for condition in (*conditions, *degraded))


def needs_headers(conditions: Sequence[Condition], degraded: Sequence[Condition] = ()) -> bool:
    """Whether any of the conditions reads the response's headers."""
    return any(condition.needs_headers for condition in (*conditions, *degraded))


def _judge(conditions: Sequence[Condition], evidence: Evidence) -> tuple[list[ConditionResult], list[Condition]]:
    """Every condition's result, and the conditions that failed."""
    results: list[ConditionResult] = []
    failing: list[Condition] = []
    for condition in conditions:
        result = condition.evaluate(evidence)
        results.append(result)
        if not result.passed:
            failing.append(condition)
    return results, failing


def _failed(observation: Observation, failure: Failure) -> Verdict:
    if failure.layer is Layer.SELF:
        return Verdict(outcome=Outcome.UNKNOWN, failure=failure)
    if failure.kind == "timeout" and _late(observation):
        blamed = _overload(observation, f"{failure.layer}/{failure.kind}")
        return Verdict(outcome=Outcome.UNKNOWN, failure=blamed)
    return Verdict(outcome=Outcome.DOWN, failure=failure)


def _late(observation: Observation) -> bool:
    return observation.lag > max(TOLERATED_LAG, TOLERATED_SHARE * observation.timeout)


def _overload(observation: Observation, instead_of: str) -> Failure:
    held = round(observation.lag * 1_000)
    message = f"the event loop was held for {held} ms during this check, which may be the cause of {instead_of}"
    return Failure(layer=Layer.SELF, kind="overload", message=message)
