"""The endpoint's state machine, in examples and against an independent model of its rules."""

from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.endpoint import Thresholds
from milkrun.core.incident import Incident
from milkrun.core.outage import cause_of
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result
from milkrun.core.state import EndpointState, Rules, StateChange, advance
from tests.support.judging import result

UP, DEGRADED, DOWN, UNKNOWN = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN
REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")
OVERRUN = Failure(layer=Layer.SELF, kind="overrun", message="the last check still ran")
BLIND = Failure(layer=Layer.SELF, kind="network", message="our own network is gone")


def at(slot: int, outcome: Outcome, failure: Failure | None = None) -> Result:
    blame = failure or {DOWN: REFUSED, UNKNOWN: BLIND}.get(outcome)
    return result(outcome, slot=slot, failure=blame)


def rules(failure: int = 1, success: int = 1) -> Rules:
    thresholds = Thresholds(failure=failure, success=success)
    return Rules(thresholds=thresholds, depth=thresholds, steady=(success, success))


def run(outcomes: list[Outcome], *, failure: int = 1, success: int = 1) -> list[Outcome]:
    state, shown = EndpointState(), []
    for slot, outcome in enumerate(outcomes):
        state, _ = advance(state, at(slot, outcome), rules(failure, success))
        shown.append(state.state)
    return shown


def test_the_first_up_settles_at_once() -> None:
    assert run([UP], success=5) == [UP]


def test_a_first_down_needs_its_threshold_too() -> None:
    assert run([DOWN, DOWN, DOWN], failure=3) == [UNKNOWN, UNKNOWN, DOWN]


def test_failures_count_in_a_row() -> None:
    assert run([UP, DOWN, UP, DOWN, DOWN], failure=2) == [UP, UP, UP, UP, DOWN]


def test_a_down_counts_towards_degraded_as_well() -> None:
    assert run([UP, DOWN, DEGRADED, DOWN, DOWN], failure=2) == [UP, UP, DEGRADED, DEGRADED, DOWN]


def test_successes_count_in_a_row() -> None:
    assert run([UP, DOWN, UP, DOWN, UP, UP], success=2) == [UP, DOWN, DOWN, DOWN, DOWN, UP]


def test_degraded_is_better_than_down() -> None:
    assert run([DOWN, DEGRADED, UP], success=2) == [DOWN, DOWN, DEGRADED]


def test_our_own_trouble_hides_the_state_at_once_and_counts_for_nothing() -> None:
    assert run([DOWN, UNKNOWN, DOWN, UNKNOWN, UP], failure=1, success=2) == [DOWN, UNKNOWN, DOWN, UNKNOWN, DOWN]
    assert run([UP, DOWN, UNKNOWN, DOWN], failure=2) == [UP, UP, UNKNOWN, DOWN]


def test_one_more_up_of_a_steady_endpoint_leaves_the_very_same_state() -> None:
    limits = rules(2, 2)
    state = EndpointState()
    for slot in range(2):
        state, _ = advance(state, at(slot, UP), limits)
    assert advance(state, at(2, UP), limits) == (state, None)
    assert advance(state, at(2, UP), limits)[0] is state


def test_an_overrun_moves_nothing_at_all() -> None:
    state, _ = advance(EndpointState(), at(1, DOWN), rules())
    assert advance(state, at(2, UNKNOWN, OVERRUN), rules()) == (state, None)


def test_a_steady_endpoint_keeps_the_very_same_state() -> None:
    thresholds = rules(2, 3)
    state = EndpointState()
    for slot in range(5):
        state, _ = advance(state, at(slot, UP), thresholds)
    assert advance(state, at(6, UP), thresholds)[0] is state


def test_since_is_the_slot_at_which_the_shown_state_began() -> None:
    state, since = EndpointState(), []
    for slot, outcome in enumerate([UP, UP, DOWN, UNKNOWN, UNKNOWN, DOWN, DOWN, UP]):
        state, _ = advance(state, at(slot, outcome), rules())
        since.append(state.since)
    assert since == [0, 0, 2, 3, 3, 5, 5, 7]


def test_an_endpoint_never_seen_is_unknown_since_its_first_result() -> None:
    state, change = advance(EndpointState(), at(5, UNKNOWN), rules())
    assert (state.state, state.since, change) == (UNKNOWN, 5, None)
    state, change = advance(EndpointState(), at(5, DOWN), rules(2))
    assert (state.state, state.since, change) == (UNKNOWN, 5, None)


def test_an_incident_opens_worsens_and_closes() -> None:
    state, changes = EndpointState(), []
    for slot, outcome in enumerate([UP, DEGRADED, DOWN, DEGRADED, UP]):
        state, change = advance(state, at(slot, outcome), rules())
        changes.append(change)
    opened = Incident(endpoint=7, opened=1, closed=None, state=DEGRADED, cause="", layer="condition")
    worse = Incident(
        endpoint=7, opened=1, closed=None, state=DOWN, cause="connect/refused: nobody listens", layer="connect"
    )
    closed = Incident(
        endpoint=7, opened=1, closed=4, state=DOWN, cause="connect/refused: nobody listens", layer="connect"
    )
    assert changes == [
        StateChange(endpoint=7, before=UNKNOWN, after=UP, at=0),
        StateChange(endpoint=7, before=UP, after=DEGRADED, at=1, incident=opened),
        StateChange(endpoint=7, before=DEGRADED, after=DOWN, at=2, incident=worse),
        StateChange(endpoint=7, before=DOWN, after=DEGRADED, at=3),
        StateChange(endpoint=7, before=DEGRADED, after=UP, at=4, incident=closed),
    ]
    assert state.incident is None


def test_our_own_trouble_touches_no_incident() -> None:
    state, _ = advance(EndpointState(), at(1, DOWN), rules())
    hidden, change = advance(state, at(2, UNKNOWN), rules())
    assert hidden.incident is state.incident
    assert change == StateChange(endpoint=7, before=DOWN, after=UNKNOWN, at=2)
    restored, change = advance(hidden, at(3, DOWN), rules())
    assert restored.incident is state.incident
    assert change == StateChange(endpoint=7, before=UNKNOWN, after=DOWN, at=3)


def test_an_incident_that_ends_while_we_were_blind_is_closed_by_the_next_up() -> None:
    state, _ = advance(EndpointState(), at(1, DOWN), rules())
    state, _ = advance(state, at(2, UNKNOWN), rules())
    state, change = advance(state, at(3, UP), rules())
    assert change is not None
    assert change.incident is not None
    assert (state.incident, change.before, change.incident.closed) == (None, UNKNOWN, 3)


def test_the_cause_is_the_failure_or_the_first_condition_that_failed() -> None:
    passed = ConditionResult(condition="a", passed=True, shown="a")
    failed = ConditionResult(condition="b", passed=False, shown="[STATUS] (500) == 200")
    assert cause_of(result(DOWN, failure=REFUSED)) == "connect/refused: nobody listens"
    assert cause_of(result(DOWN, conditions=(passed, failed))) == "[STATUS] (500) == 200"
    assert cause_of(result(UP, conditions=(passed,))) == ""


ORDER = {UP: 0, DEGRADED: 1, DOWN: 2}


class Model:
    """The rules told another way: by looking back over the whole history each time."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self.history: list[Outcome] = []
        self.settled = UNKNOWN
        self.shown = UNKNOWN
        self.incident: tuple[int, Outcome] | None = None

    def feed(self, slot: int, outcome: Outcome, *, overrun: bool) -> None:
        if overrun:
            return
        if outcome is UNKNOWN:
            self.shown = UNKNOWN
            return
        self.history.append(outcome)
        self.settled = self.shown = self.next()
        if self.settled in (DEGRADED, DOWN):
            opened, worst = self.incident or (slot, self.settled)
            self.incident = (opened, max(worst, self.settled, key=ORDER.__getitem__))
        elif self.settled is UP:
            self.incident = None

    def next(self) -> Outcome:
        if self.settled is UNKNOWN and self.history[-1] is UP:
            return UP
        now = ORDER.get(self.settled, 0)
        for target in (DOWN, DEGRADED):
            last = self.history[-self.thresholds.failure :]
            bad = len(last) == self.thresholds.failure and all(ORDER[o] >= ORDER[target] for o in last)
            if bad and ORDER[target] > now:
                return target
        for target in (UP, DEGRADED):
            last = self.history[-self.thresholds.success :]
            good = len(last) == self.thresholds.success and all(ORDER[o] <= ORDER[target] for o in last)
            if good and ORDER[target] < now:
                return target
        return self.settled


@given(
    steps=st.lists(st.tuples(st.sampled_from(list(Outcome)), st.booleans()), max_size=40),
    failure=st.integers(1, 4),
    success=st.integers(1, 4),
)
def test_the_machine_agrees_with_a_model_that_rereads_all_history(
    steps: list[tuple[Outcome, bool]], failure: int, success: int
) -> None:
    thresholds = Thresholds(failure=failure, success=success)
    model, state = Model(thresholds), EndpointState()
    for slot, (outcome, wanted) in enumerate(steps):
        overrun = wanted and outcome is UNKNOWN
        before = state
        model.feed(slot, outcome, overrun=overrun)
        state, change = advance(state, at(slot, outcome, OVERRUN if overrun else None), rules(failure, success))
        incident = None if state.incident is None else (state.incident.opened, state.incident.state)
        assert (state.state, state.settled, incident) == (model.shown, model.settled, model.incident)
        assert (change is not None) is (before.state is not state.state)
