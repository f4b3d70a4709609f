"""The endpoint's state machine: outcomes in a row become a state, a state's changes become incidents.

Outcomes have an order of severity: up < degraded < down. A move to a worse level needs `thresholds.failure`
outcomes in a row at least that bad, a move to a better one `thresholds.success` in a row at most that bad. MOVES
lists, for every settled state, the moves to try, the widest first. Milkrun's own trouble (`unknown`) hides the
settled state for as long as it lasts, and counts for nothing.
"""

from enum import StrEnum

import msgspec

from milkrun.core.endpoint import Thresholds
from milkrun.core.incident import Incident
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint stands. `since` is the slot (epoch ms) at which `state` began, None before any result.

    `settled` is the last state that thresholds decided; `state` differs from it only while Milkrun itself is
    blind (`unknown`). `worse` counts the outcomes in a row at least degraded, at least down; `better` those at
    most up, at most degraded. Counts stop at the threshold they are for, so that a steady endpoint's state stays
    the same value. `incident` is the open one.
    """

    state: Outcome = Outcome.UNKNOWN
    settled: Outcome = Outcome.UNKNOWN
    since: int | None = None
    worse: tuple[int, int] = (0, 0)
    better: tuple[int, int] = (0, 0)
    incident: Incident | None = None


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an endpoint's state, and the incident it opened, made worse or closed."""

    endpoint: int
    before: Outcome
    after: Outcome
    at: int
    incident: Incident | None = None


class Streak(StrEnum):
    """Which count of outcomes in a row a move asks for."""

    WORSE = "worse"
    BETTER = "better"
    FIRST = "first"


SEVERITY: dict[Outcome, int] = {Outcome.UP: 0, Outcome.DEGRADED: 1, Outcome.DOWN: 2}

MOVES: dict[Outcome, tuple[tuple[Outcome, Streak], ...]] = {
    Outcome.UNKNOWN: ((Outcome.DOWN, Streak.WORSE), (Outcome.DEGRADED, Streak.WORSE), (Outcome.UP, Streak.FIRST)),
    Outcome.UP: ((Outcome.DOWN, Streak.WORSE), (Outcome.DEGRADED, Streak.WORSE)),
    Outcome.DEGRADED: ((Outcome.DOWN, Streak.WORSE), (Outcome.UP, Streak.BETTER)),
    Outcome.DOWN: ((Outcome.UP, Streak.BETTER), (Outcome.DEGRADED, Streak.BETTER)),
}


def advance(state: EndpointState, result: Result, thresholds: Thresholds) -> tuple[EndpointState, StateChange | None]:
    """Move `state` on by one result that counts (the last attempt of its slot).

    Returns the very same state where nothing changed, and a change only where `state.state` did.
    """
    if result.outcome is Outcome.UP and _is_steadily_up(state, thresholds):
        return state, None
    if result.outcome is Outcome.UNKNOWN:
        after = state if _is_overrun(result.failure) else _hidden(state, result.slot)
    else:
        after = _counted(state, result, thresholds)
    if after == state:
        return state, None
    return after, _change(state, after, result)


def _is_steadily_up(state: EndpointState, thresholds: Thresholds) -> bool:
    """Another `up` has nothing to count: said first, because it is what nearly every check comes to."""
    return state.state is Outcome.UP and state.better == (thresholds.success, thresholds.success)


def cause_of(result: Result) -> str:
    """One sentence on why a result is not up: its failure, else the first condition that failed; "" if up."""
    if result.failure is not None:
        return f"{result.failure.layer}/{result.failure.kind}: {result.failure.message}"
    return next((condition.shown for condition in result.conditions if not condition.passed), "")


def _is_overrun(failure: Failure | None) -> bool:
    """A slot skipped because the last check still ran says nothing, not even that Milkrun is blind."""
    return failure is not None and failure.layer is Layer.SELF and failure.kind == "overrun"


def _hidden(state: EndpointState, at: int) -> EndpointState:
    if state.state is Outcome.UNKNOWN and state.since is not None:
        return state
    return msgspec.structs.replace(state, state=Outcome.UNKNOWN, since=at)


def _counted(state: EndpointState, result: Result, thresholds: Thresholds) -> EndpointState:
    severity = SEVERITY[result.outcome]
    worse = _streak(state.worse, (severity >= 1, severity >= 2), thresholds.failure)
    better = _streak(state.better, (severity <= 0, severity <= 1), thresholds.success)
    settled = _settle(state.settled, worse, better, thresholds)
    return EndpointState(
        state=settled,
        settled=settled,
        since=state.since if settled is state.state and state.since is not None else result.slot,
        worse=worse,
        better=better,
        incident=_incident(state, settled, result),
    )


def _streak(counts: tuple[int, int], continues: tuple[bool, bool], limit: int) -> tuple[int, int]:
    first = min(counts[0] + 1, limit) if continues[0] else 0
    second = min(counts[1] + 1, limit) if continues[1] else 0
    return first, second


def _settle(settled: Outcome, worse: tuple[int, int], better: tuple[int, int], thresholds: Thresholds) -> Outcome:
    for target, streak in MOVES[settled]:
        if streak is Streak.WORSE:
            reached = worse[SEVERITY[target] - 1] >= thresholds.failure
        else:
            needed = thresholds.success if streak is Streak.BETTER else 1
            reached = better[SEVERITY[target]] >= needed
        if reached:
            return target
    return settled


def _incident(state: EndpointState, settled: Outcome, result: Result) -> Incident | None:
    """The incident that is open once `settled` holds."""
    if settled in (Outcome.UP, Outcome.UNKNOWN):
        return None
    open_one = state.incident
    if open_one is not None and SEVERITY[settled] <= SEVERITY[open_one.state]:
        return open_one
    opened = result.slot if open_one is None else open_one.opened
    return Incident(endpoint=result.endpoint, opened=opened, closed=None, state=settled, cause=cause_of(result))


def _change(before: EndpointState, after: EndpointState, result: Result) -> StateChange | None:
    if before.state is after.state:
        return None
    incident = after.incident if after.incident != before.incident else None
    if before.incident is not None and after.incident is None:
        incident = msgspec.structs.replace(before.incident, closed=result.slot)
    return StateChange(
        endpoint=result.endpoint, before=before.state, after=after.state, at=result.slot, incident=incident
    )
