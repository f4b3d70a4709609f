"""The endpoint's state machine: outcomes in a row become a state, a state's changes become incidents.

A result is counted for its location (`core.streaks`, the table of moves), the locations agree on a state
(`core.quorum`), and the state opens, follows or closes an outage (`core.outage`, the table of deeds). Milkrun's own
trouble (`unknown`) hides the settled state for as long as it lasts, and counts for nothing.
"""

import msgspec

from milkrun.core import flapping, quorum
from milkrun.core.endpoint import Endpoint, Thresholds
from milkrun.core.flapping import Flapping
from milkrun.core.incident import Incident
from milkrun.core.outage import outage
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.quorum import Track
from milkrun.core.result import Result
from milkrun.core.streaks import Counts, Streaks, counted

# A location's vote counts for so many intervals, and for two minutes at least (ms).
VOTE_ROUNDS = 6
SHORTEST_VOTE = 120_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint's outcomes are counted by. `depth`: how far streaks count, the thresholds at least.

    `quorum`: locations that must agree, None for a majority. `lately` (ms): for how long a location's vote counts.
    `steady` is the count at which another `up` has nothing to add.
    """

    thresholds: Thresholds = Thresholds()
    depth: Thresholds = Thresholds()
    quorum: int | None = None
    lately: int = SHORTEST_VOTE
    flapping: Flapping | None = None
    steady: Counts = (1, 1)


def rules_of(endpoint: Endpoint, depth: Thresholds) -> Rules:
    """An endpoint's rules; `depth` is the longest streak anybody else asks for."""
    own = endpoint.thresholds
    success = max(own.success, depth.success)
    return Rules(
        thresholds=own,
        depth=Thresholds(failure=max(own.failure, depth.failure), success=success),
        quorum=endpoint.quorum,
        lately=max(VOTE_ROUNDS * endpoint.interval, SHORTEST_VOTE),
        flapping=endpoint.flapping,
        steady=(success, success),
    )


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint stands. `since` is the slot (epoch ms) at which `state` began, None before any result.

    `settled` is the last state that thresholds decided; `state` differs from it only while Milkrun itself is
    blind (`unknown`). `worse` counts the outcomes in a row at least degraded, at least down; `better` those at
    most up, at most degraded. Counts stop at the deepest streak anybody asks for, so that a steady endpoint's state
    stays the same value. `incident` is the open outage.

    While all results come from one `location`, these are its streaks; once there are several, `location` is "",
    `tracks` has what each of them sees, and these are what they agree on. `changes` are slots at which `settled`
    changed, as far as the rule of flapping looks back.
    """

    state: Outcome = Outcome.UNKNOWN
    settled: Outcome = Outcome.UNKNOWN
    since: int | None = None
    worse: Counts = (0, 0)
    better: Counts = (0, 0)
    incident: Incident | None = None
    location: str = ""
    tracks: tuple[Track, ...] = ()
    changes: tuple[int, ...] = ()


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an endpoint's state, and the incident it opened, made worse or closed."""

    endpoint: int
    before: Outcome
    after: Outcome
    at: int
    incident: Incident | None = None


def advance(state: EndpointState, result: Result, rules: Rules) -> tuple[EndpointState, StateChange | None]:
    """Move `state` on by one result that counts (the last attempt of its slot).

    Returns the very same state where nothing changed, and a change only where `state.state` did.
    """
    # Another `up` of one that is steadily up has nothing to count: said first, it is what nearly every check comes to.
    if (
        result.outcome is Outcome.UP
        and state.better == rules.steady
        and state.state is Outcome.UP
        and state.incident is None
        and state.location == result.location
    ):
        return state, None
    if _is_overrun(result.failure):
        return state, None
    after = _moved(state, result, rules)
    if after == state:
        return state, None
    return after, _change(state, after, result)


def explained(state: EndpointState, parent: int | None) -> EndpointState:
    """The same, its open outage explained by another endpoint's, or by none; the very same where nothing changed."""
    if state.incident is None or state.incident.parent == parent:
        return state
    return msgspec.structs.replace(state, incident=msgspec.structs.replace(state.incident, parent=parent))


def _is_overrun(failure: Failure | None) -> bool:
    """A slot skipped because the last check still ran says nothing, not even that Milkrun is blind."""
    return failure is not None and failure.layer is Layer.SELF and failure.kind == "overrun"


def _moved(state: EndpointState, result: Result, rules: Rules) -> EndpointState:
    tracks = _tracks(state, result, rules)
    if tracks:
        agreed = quorum.vote(tracks, at=result.slot, quorum=rules.quorum, lately=rules.lately)
        blind = quorum.all_blind(tracks, at=result.slot, lately=rules.lately)
    else:
        blind = result.outcome is Outcome.UNKNOWN
        agreed = _heard(Streaks(settled=state.settled, worse=state.worse, better=state.better), result, rules)
    shown = Outcome.UNKNOWN if blind else agreed.settled
    changes = _changes(state, agreed.settled, result, rules)
    return EndpointState(
        state=shown,
        settled=agreed.settled,
        since=state.since if shown is state.state and state.since is not None else result.slot,
        worse=agreed.worse,
        better=agreed.better,
        incident=_incident(state, agreed.settled, changes, result, rules),
        location="" if tracks else result.location,
        tracks=tracks,
        changes=changes,
    )


def _heard(streaks: Streaks, result: Result, rules: Rules) -> Streaks:
    if result.outcome is Outcome.UNKNOWN:
        return streaks
    return counted(streaks, result.outcome, rules.thresholds, rules.depth)


def _tracks(state: EndpointState, result: Result, rules: Rules) -> tuple[Track, ...]:
    """What each location sees, once there are several; () while there is one."""
    if not state.tracks and state.location in ("", result.location):
        return ()
    tracks = state.tracks or (_first_track(state, result.slot, rules),)
    blank = Track(location=result.location)
    known = next((track for track in tracks if track.location == result.location), blank)
    blind = result.outcome is Outcome.UNKNOWN
    seen = known.seen if blind else quorum.rounded(result.slot, rules.lately)
    heard = Track(location=result.location, streaks=_heard(known.streaks, result, rules), blind=blind, seen=seen)
    return quorum.replaced(tracks, heard)


def _first_track(state: EndpointState, at: int, rules: Rules) -> Track:
    """The location that was alone until now: it counts as heard of just now, for nobody wrote down when it was."""
    streaks = Streaks(settled=state.settled, worse=state.worse, better=state.better)
    blind = state.state is Outcome.UNKNOWN
    return Track(location=state.location, streaks=streaks, blind=blind, seen=quorum.rounded(at, rules.lately))


def _changes(state: EndpointState, settled: Outcome, result: Result, rules: Rules) -> tuple[int, ...]:
    if settled is state.settled or state.settled is Outcome.UNKNOWN:
        return state.changes
    return flapping.noted(state.changes, result.slot, rules.flapping)


def _incident(
    state: EndpointState, settled: Outcome, changes: tuple[int, ...], result: Result, rules: Rules
) -> Incident | None:
    if result.outcome is Outcome.UNKNOWN:
        return state.incident
    already = state.incident is not None and state.incident.flapping
    flaps = flapping.flaps(changes, result.slot, rules.flapping, already=already)
    return outage(state.incident, settled, result, flapping=flaps)


def _change(before: EndpointState, after: EndpointState, result: Result) -> StateChange | None:
    if before.state is after.state:
        return None
    incident = after.incident if after.incident != before.incident else None
    if before.incident is not None and after.incident is None:
        incident = msgspec.structs.replace(before.incident, closed=result.slot)
    return StateChange(
        endpoint=result.endpoint, before=before.state, after=after.state, at=result.slot, incident=incident
    )
