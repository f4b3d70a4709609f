from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from milkrun.alerting.draft import Plan
from milkrun.alerting.planner import Planner
from milkrun.core.alert import Firing, Message, Purpose, Route, Step
from milkrun.core.endpoint import Thresholds
from milkrun.core.incident import Incident, IncidentKey, Kind, Severity
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from tests.support.alerts import KEY, a_route, an_outage, registered
from tests.support.history import START

CHECKOUT = registered()
UP = EndpointState(state=Outcome.UP, settled=Outcome.UP, since=START, better=(1, 1))


def down(incident: Incident | None = None, *, streak: int = 1) -> EndpointState:
    outage = incident or an_outage()
    severe = outage.state is Outcome.DOWN
    return EndpointState(
        state=outage.state,
        settled=outage.state,
        since=outage.opened,
        worse=(streak, streak if severe else 0),
        incident=outage,
    )


def up(at: int, *, streak: int = 1) -> EndpointState:
    return EndpointState(state=Outcome.UP, settled=Outcome.UP, since=at, better=(streak, streak))


class Watched:
    """One endpoint under a planner; collects what is planned."""

    def __init__(self, *routes: Route) -> None:
        self.planner = Planner(routes, {})
        self.plans: list[Plan] = []
        self._state = UP

    def goes(self, after: EndpointState, at: int) -> Sequence[Message]:
        plan = self.planner.plan(CHECKOUT, self._state, after, at)
        self._state = after
        if plan is not None:
            self.plans.append(plan)
        return () if plan is None else plan.messages


def told(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.purpose.value, message.channel) for message in messages]


def test_an_outage_is_told_of_and_so_is_its_end() -> None:
    watched = Watched(a_route(description="runbook"))
    [trigger] = watched.goes(down(), START)
    assert trigger.id == f"{KEY}/core/ops/trigger/{START}"
    assert (trigger.subject.name, trigger.subject.cause) == ("checkout", "connect/refused: no")
    assert (trigger.subject.description, trigger.subject.closed) == ("runbook", None)
    [resolve] = watched.goes(up(START + 9), START + 9)
    assert (resolve.purpose, resolve.incident, resolve.subject.closed) == (Purpose.RESOLVE, KEY, START + 9)
    assert [plan.firings[1, "core"] is None for plan in watched.plans] == [False, True]


def test_nothing_is_planned_for_an_endpoint_that_is_well_nor_twice_for_the_same() -> None:
    watched = Watched(a_route())
    assert watched.goes(up(START, streak=2), START) == ()
    watched.goes(down(), START)
    assert watched.goes(down(streak=2), START + 1) == ()
    assert watched.goes(replace(down(streak=2), since=START + 2), START + 2) == ()


def test_times_are_of_delay_and_escalation() -> None:
    route = a_route(delay=30, steps=(Step(after=900, channels=("pager", "boss")), Step(after=10, channels=("ops",))))
    trigger, pager, boss, again = Watched(route).goes(down(), START + 100)
    assert (trigger.due, trigger.firm) == (START + 130, START + 130)
    assert told((pager, boss)) == [("escalate", "pager"), ("escalate", "boss")]
    assert (pager.due, pager.firm) == (START + 900, START + 900)
    assert again.due == START + 130, "nobody is pressed before there was time to act"


def test_the_end_is_told_to_all_that_a_route_told_each_once() -> None:
    watched = Watched(a_route(steps=(Step(after=1, channels=("pager", "ops")), Step(after=2, channels=("pager",)))))
    ids = [message.id for message in watched.goes(down(), START)]
    assert len(set(ids)) == 4
    assert told(watched.goes(up(START + 9), START + 9)) == [("resolve", "ops"), ("resolve", "pager")]


def test_a_route_may_keep_ends_to_itself() -> None:
    watched = Watched(a_route(resolve=False))
    assert [message.tells for message in watched.goes(down(), START)] == [True]
    assert [message.tells for message in watched.goes(up(START + 9), START + 9)] == [False]


def test_a_route_asks_for_streaks_of_its_own() -> None:
    watched = Watched(a_route(failure=3, success=2))
    assert watched.planner.depth(CHECKOUT.endpoint) == Thresholds(failure=3, success=2)
    assert [len(watched.goes(down(streak=streak), START + streak)) for streak in (1, 2, 3)] == [0, 0, 1]
    assert [len(watched.goes(up(START + 10, streak=streak), START + 9 + streak)) for streak in (1, 2)] == [0, 1]
    assert watched.plans[-1].messages[0].subject.closed == START + 10, "it was over with the first of them"


def test_the_longest_streak_of_an_endpoints_routes_is_asked_for() -> None:
    routes = [a_route("a", failure=4), a_route("b", success=3), a_route("c", groups=("else",), failure=9)]
    assert Planner(routes, {}).depth(CHECKOUT.endpoint) == Thresholds(failure=4, success=3)
    assert Planner([], {}).depth(CHECKOUT.endpoint) == Thresholds()


def test_what_comes_back_too_soon_is_the_outage_that_was_told_of() -> None:
    watched = Watched(a_route(success=2))
    watched.goes(down(), START)
    assert watched.goes(up(START + 1), START + 1) == ()
    assert watched.goes(down(an_outage(opened=START + 2)), START + 2) == ()
    watched.goes(up(START + 3), START + 3)
    [resolve] = watched.goes(up(START + 3, streak=2), START + 4)
    assert (resolve.incident, resolve.subject.opened, resolve.subject.closed) == (KEY, START, START + 3)


def test_an_outage_that_gets_worse_is_told_of_again() -> None:
    degraded, worse = an_outage(state=Outcome.DEGRADED), an_outage()
    watched = Watched(a_route())
    assert told(watched.goes(down(degraded), START)) == [("trigger", "ops")]
    [again] = watched.goes(down(worse), START + 5)
    assert (again.purpose, again.subject.severity, again.created) == (Purpose.REPEAT, Severity.CRITICAL, START + 5)
    assert watched.goes(down(worse, streak=2), START + 6) == ()


def test_a_route_for_what_is_critical_counts_only_what_is_down() -> None:
    watched = Watched(a_route(severities=frozenset({Severity.CRITICAL}), failure=2))
    assert watched.goes(down(an_outage(state=Outcome.DEGRADED), streak=5), START) == ()
    half = replace(down(), worse=(6, 1))
    assert watched.goes(half, START + 1) == ()
    assert told(watched.goes(replace(half, worse=(7, 2)), START + 2)) == [("trigger", "ops")]


def test_an_outage_that_another_explains_is_not_told_of_until_it_is_its_own() -> None:
    watched = Watched(a_route())
    assert watched.goes(down(an_outage(parent=7)), START) == ()
    assert told(watched.goes(down(), START + 5)) == [("trigger", "ops")]


def test_what_waits_is_withdrawn_when_another_outage_explains_it_and_told_of_when_it_is_its_own_again() -> None:
    watched = Watched(a_route(steps=(Step(after=60, channels=("pager",)),)))
    first = watched.goes(down(), START)
    assert watched.goes(down(an_outage(parent=7)), START + 5) == ()
    assert watched.plans[-1].withdrawn == (KEY,)
    again = watched.goes(down(), START + 9)
    assert told(again) == [("trigger", "ops"), ("escalate", "pager")]
    assert not {message.id for message in first} & {message.id for message in again}
    assert told(watched.goes(up(START + 11), START + 11)) == [("resolve", "ops"), ("resolve", "pager")]


def test_the_end_of_what_was_explained_is_left_to_the_outbox_to_tell_or_not() -> None:
    watched = Watched(a_route())
    watched.goes(down(), START)
    watched.goes(down(an_outage(parent=7)), START + 5)
    assert told(watched.goes(up(START + 9), START + 9)) == [("resolve", "ops")]


def test_flapping_is_told_of_once_without_any_streak() -> None:
    watched = Watched(a_route(failure=5))
    flapping = an_outage(flapping=True, state=Outcome.DEGRADED)
    told_of = [
        *watched.goes(down(flapping), START),
        *watched.goes(replace(up(START + 1), incident=flapping), START + 1),
        *watched.goes(down(replace(flapping, state=Outcome.DOWN)), START + 2),
    ]
    assert told(told_of) == [("trigger", "ops")]


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ({}, True),
        ({"groups": ("co*",)}, True),
        ({"groups": ("else", "core")}, True),
        ({"groups": ("else",)}, False),
        ({"tags": ("prod",)}, True),
        ({"tags": ("stage*",)}, False),
        ({"endpoints": frozenset({"core_checkout"})}, True),
        ({"endpoints": frozenset({"core_cart"})}, False),
        ({"groups": ("core",), "tags": ("stage",)}, False),
        ({"severities": frozenset({Severity.WARNING})}, False),
    ],
)
def test_a_route_is_for_groups_tags_endpoints_and_severities(changes: dict[str, Any], *, takes: bool) -> None:
    endpoint = replace(CHECKOUT, endpoint=replace(CHECKOUT.endpoint, tags=("prod",)))
    plan = Planner([a_route(**changes)], {}).plan(endpoint, UP, down(), START)
    assert (plan is not None) is takes


def test_a_changed_endpoint_is_matched_anew() -> None:
    planner = Planner([a_route(tags=("prod",))], {})
    assert planner.plan(CHECKOUT, UP, down(), START) is None
    tagged = replace(CHECKOUT, endpoint=replace(CHECKOUT.endpoint, tags=("prod",)))
    assert planner.plan(tagged, UP, down(), START) is not None


def committed(plan: Plan | None) -> dict[tuple[int, str], Firing]:
    assert plan is not None
    return {key: firing for key, firing in plan.firings.items() if firing is not None}


def test_planning_goes_on_from_what_was_committed() -> None:
    routes = [a_route()]
    firings = committed(Planner(routes, {}).plan(CHECKOUT, UP, down(), START))
    again = Planner(routes, firings)
    assert again.plan(CHECKOUT, down(), down(streak=2), START + 1) is None
    plan = again.plan(CHECKOUT, down(), up(START + 2), START + 2)
    assert plan is not None
    assert told(plan.messages) == [("resolve", "ops")]


@pytest.mark.parametrize("routes", [[], [a_route(channels=("other",))], [a_route(groups=("else",))]])
def test_the_end_goes_to_whoever_was_told_whatever_is_configured_by_then(routes: list[Route]) -> None:
    planner = Planner([a_route()], {})
    planner.plan(CHECKOUT, UP, down(), START)
    planner.use(routes)
    plan = planner.plan(CHECKOUT, down(), up(START + 9), START + 9)
    assert plan is not None
    assert told(plan.messages) == [("resolve", "ops")]


def test_an_endpoint_that_goes_ends_what_was_told_of_it() -> None:
    watched = Watched(a_route(success=5), a_route("gone"))
    watched.goes(down(), START)
    watched.planner.use([a_route(success=5)])
    plan = watched.planner.retire(1, START + 9)
    assert plan is not None
    assert [(message.route, message.subject.closed) for message in plan.messages] == [
        ("core", START + 9),
        ("gone", START + 9),
    ]
    assert watched.planner.retire(1, START + 10) is None


CERTIFICATE = an_outage(kind=Kind.CERTIFICATE, state=Outcome.DEGRADED)


def test_a_warning_is_told_of_beside_an_outage_and_asking_twice_comes_to_the_same() -> None:
    watched = Watched(a_route())
    watched.goes(down(), START)
    first = watched.planner.warn(CHECKOUT, CERTIFICATE, START)
    again = watched.planner.warn(CHECKOUT, CERTIFICATE, START + 60_000)
    over = watched.planner.warn(CHECKOUT, replace(CERTIFICATE, closed=START + 9), START + 9)
    assert first is not None
    assert again is not None
    assert over is not None
    assert told([*first.messages, *over.messages]) == [("trigger", "ops"), ("resolve", "ops")]
    assert [message.id for message in first.messages] == [message.id for message in again.messages]
    assert first.messages[0].incident == IncidentKey(1, START, Kind.CERTIFICATE)
    assert (first.firings, first.messages[0].subject.severity) == ({}, Severity.WARNING)


def test_a_notice_about_milkrun_itself_goes_to_routes_without_a_filter() -> None:
    planner = Planner([a_route(), a_route("some", groups=("core",)), a_route("bad", severities=frozenset())], {})
    plan = planner.warn(None, an_outage(0, kind=Kind.NETWORK, state=Outcome.UNKNOWN), START)
    assert plan is not None
    assert [(message.route, message.subject.key) for message in plan.messages] == [("core", "")]
    assert Planner([], {}).warn(None, an_outage(0, kind=Kind.NETWORK), START) is None


steps = st.lists(
    st.tuples(st.sampled_from(["up", "degraded", "down"]), st.booleans(), st.booleans(), st.booleans()), max_size=40
)


def states(draws: Sequence[tuple[str, bool, bool, bool]]) -> list[EndpointState]:
    """A sequence that an endpoint may go through: its incidents open and close as its states change."""
    found: list[EndpointState] = []
    incident: Incident | None = None
    worse, better = (0, 0), (0, 0)
    for number, (word, explained, flapping, late) in enumerate(draws):
        at, outcome = START + number * 10, Outcome(word)
        bad, severe = outcome is not Outcome.UP, outcome is Outcome.DOWN
        worse = (worse[0] + 1 if bad else 0, worse[1] + 1 if severe else 0)
        better = (0 if bad else better[0] + 1, 0 if severe else better[1] + 1)
        if bad:
            known = incident or an_outage(opened=at, state=outcome)
            state = Outcome.DOWN if severe else known.state
            incident = replace(known, state=state, parent=7 if explained else None, flapping=flapping)
        elif not (late and incident is not None and incident.flapping):
            incident = None
        found.append(
            EndpointState(state=outcome, settled=outcome, since=at, worse=worse, better=better, incident=incident)
        )
    return found


@given(draws=steps, failure=st.integers(1, 3), success=st.integers(1, 3), critical_only=st.booleans())
def test_whatever_happens_ends_follow_beginnings_and_nothing_is_told_twice(
    *, draws: Sequence[tuple[str, bool, bool, bool]], failure: int, success: int, critical_only: bool
) -> None:
    severities = frozenset({Severity.CRITICAL}) if critical_only else frozenset(Severity)
    route = a_route(
        failure=failure, success=success, severities=severities, steps=(Step(after=25, channels=("pager",)),)
    )
    watched, ids, open_one = Watched(route), set[str](), None
    for number, state in enumerate(states(draws)):
        already = len(watched.plans)
        messages = watched.goes(state, START + number * 10)
        for plan in watched.plans[already:]:
            open_one = None if plan.withdrawn else open_one
        for message in messages:
            assert message.id not in ids
            ids.add(message.id)
            if message.channel == "ops" and message.purpose is Purpose.TRIGGER:
                assert open_one is None
                assert state.incident is not None
                assert state.incident.parent is None
                open_one = message.incident
            elif message.purpose is Purpose.RESOLVE:
                assert open_one in (None, message.incident), "only what was withdrawn may be ended without a beginning"
                open_one = open_one if message.channel == "ops" and open_one is None else None
    firings = [plan.firings[1, "core"] for plan in watched.plans if (1, "core") in plan.firings]
    if open_one is not None:
        last = firings[-1]
        assert last is not None
        assert last.incident.key == open_one


@given(draws=steps)
def test_the_same_changes_come_to_the_same_messages_whenever_planning_began_anew(
    draws: Sequence[tuple[str, bool, bool, bool]],
) -> None:
    whole, pieces = Watched(a_route(failure=2)), Watched(a_route(failure=2))
    firings: dict[tuple[int, str], Firing] = {}
    for number, state in enumerate(states(draws)):
        pieces.planner = Planner([a_route(failure=2)], firings)
        assert pieces.goes(state, START + number * 10) == whole.goes(state, START + number * 10)
        for plan in pieces.plans[-1:]:
            firings |= {key: firing for key, firing in plan.firings.items() if firing is not None}
            firings = {key: firing for key, firing in firings.items() if plan.firings.get(key, firing) is not None}
