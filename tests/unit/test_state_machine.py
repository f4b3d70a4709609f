"""Each rule of states and incidents alone, and what always holds whatever the outcomes, locations and windows."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.chronicle import entries, moved
from milkrun.core.endpoint import Thresholds
from milkrun.core.flapping import Flapping
from milkrun.core.incident import Entry, Incident, Moment
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, Rules, StateChange, advance, explained, rules_of
from tests.support.judging import result
from tests.support.rounds import an_endpoint

UP, DEGRADED, DOWN, UNKNOWN = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN
REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")
BLIND = Failure(layer=Layer.SELF, kind="network", message="our own network is gone")
MINUTE = 60_000
CALM = Flapping(changes=4, within=10 * MINUTE, calm=5 * MINUTE)


def at(slot: int, outcome: Outcome, location: str = "local", *, maintenance: bool = False) -> Result:
    failure = {DOWN: REFUSED, UNKNOWN: BLIND}.get(outcome)
    return result(outcome, slot=slot, location=location, failure=failure, maintenance=maintenance)


def rules(
    failure: int = 1, success: int = 1, *, deep: int = 1, quorum: int | None = None, flapping: Flapping | None = None
) -> Rules:
    endpoint = msgspec.structs.replace(
        an_endpoint(thresholds=Thresholds(failure=failure, success=success)), quorum=quorum, flapping=flapping
    )
    return rules_of(endpoint, Thresholds(failure=deep, success=deep))


class Story:
    """An endpoint's whole history: its state, its changes, its timeline, and the incidents as they are now."""

    def __init__(self, by: Rules) -> None:
        self.rules = by
        self.state = EndpointState()
        self.changes: list[StateChange] = []
        self.entries: list[Entry] = []
        self.incidents: dict[int, Incident] = {}

    def tell(self, *results: Result) -> "Story":
        for each in results:
            before = self.state
            self.state, change = advance(before, each, self.rules)
            if change is not None:
                self.changes.append(change)
            now = moved(before, self.state, each.slot)
            if now is not None:
                self.incidents[now.opened] = now
                self.entries += entries(before.incident, now, each.slot)
        return self

    def spans(self) -> list[tuple[int, int | None]]:
        return [(each.opened, each.closed) for each in self.incidents.values()]

    def moments(self) -> list[Moment]:
        return [entry.moment for entry in self.entries]


def outcomes(text: str, location: str = "local", *, start: int = 0, step: int = MINUTE) -> list[Result]:
    """A letter an outcome (`u`, `g`, `d`, `?`), a capital one under maintenance, a minute apart."""
    letters = {"u": UP, "g": DEGRADED, "d": DOWN, "?": UNKNOWN}
    return [
        at(start + step * place, letters[letter.lower()], location, maintenance=letter.isupper())
        for place, letter in enumerate(text)
    ]


# Maintenance


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("uDDDu", []),
        ("uDDDdu", [(4, 5)]),
        ("udDDDdu", [(1, 6)]),
        ("udDUUu", [(1, 3)]),
        ("uDDDud", [(5, None)]),
        ("DDdd", [(2, None)]),
    ],
)
def test_maintenance_opens_nothing_may_close_what_is_open_and_what_still_fails_after_it_opens(
    text: str, spans: list[tuple[int, int | None]]
) -> None:
    found = Story(rules()).tell(*outcomes(text)).spans()
    assert found == [(a * MINUTE, None if b is None else b * MINUTE) for a, b in spans]


def test_after_maintenance_an_answer_that_is_well_opens_nothing_though_the_state_is_not_up_yet() -> None:
    story = Story(rules(success=3)).tell(*outcomes("uDDDuu"))
    assert (story.state.state, story.incidents) == (DOWN, {})


# Flapping


def test_an_endpoint_that_flaps_keeps_its_incident_until_it_is_calm() -> None:
    story = Story(rules(flapping=CALM)).tell(*outcomes("ududuuuuuuuu"))
    assert story.spans() == [(1 * MINUTE, 2 * MINUTE), (3 * MINUTE, 9 * MINUTE)]
    assert story.moments() == [
        Moment.OPENED, Moment.RESOLVED, Moment.OPENED, Moment.FLAPPING, Moment.STEADY, Moment.RESOLVED,
    ]  # fmt: skip
    assert story.state.incident is None


def test_one_that_flaps_and_stays_down_is_a_plain_outage_again() -> None:
    story = Story(rules(flapping=CALM)).tell(*outcomes("ududuududddddd"))
    assert story.state.incident is not None
    assert not story.state.incident.flapping
    assert story.moments()[-2:] == [Moment.FLAPPING, Moment.STEADY]


def test_once_it_flaps_slower_changes_keep_it_flapping_until_it_is_calm() -> None:
    story = Story(rules(flapping=CALM)).tell(*outcomes("udud"), *outcomes("udud", start=8 * MINUTE, step=4 * MINUTE))
    assert story.spans() == [(1 * MINUTE, 2 * MINUTE), (3 * MINUTE, None)]
    assert story.moments()[-1] is Moment.FLAPPING


def test_changes_far_apart_are_no_flapping() -> None:
    story = Story(rules(flapping=CALM)).tell(*outcomes("udududud", step=4 * MINUTE))
    assert Moment.FLAPPING not in story.moments()


def test_an_outage_may_open_flapping() -> None:
    story = Story(rules(flapping=Flapping(changes=3, within=10 * MINUTE, calm=MINUTE))).tell(*outcomes("udud"))
    assert [entry.moment for entry in story.entries if entry.incident.opened == 3 * MINUTE] == [Moment.OPENED]
    assert story.state.incident is not None
    assert story.state.incident.flapping


# Depth: streaks are counted further than the endpoint's own thresholds ask.


def test_streaks_count_as_deep_as_anybody_asks() -> None:
    story = Story(rules(deep=3)).tell(*outcomes("udddd"))
    assert (story.state.worse, story.spans()) == ((3, 3), [(MINUTE, None)])
    assert story.tell(*outcomes("uuuu", start=10 * MINUTE)).state.better == (3, 3)


def test_a_steady_endpoint_keeps_the_very_same_state_however_deep_streaks_count() -> None:
    story = Story(rules(deep=3)).tell(*outcomes("uuuu"))
    assert advance(story.state, at(99 * MINUTE, UP), story.rules)[0] is story.state


# Several locations


def several(quorum: int | None, **texts: str) -> Story:
    """A text a location, told in turns."""
    story = Story(rules(quorum=quorum))
    columns = [outcomes(text, location) for location, text in texts.items()]
    for each in zip(*columns, strict=True):
        story.tell(*each)
    return story


@pytest.mark.parametrize(
    ("quorum", "texts", "state"),
    [
        (None, {"a": "uuu", "b": "uud"}, UP),
        (None, {"a": "uud", "b": "uud"}, DOWN),
        (None, {"a": "ud", "b": "ud", "c": "uu"}, DOWN),
        (None, {"a": "ud", "b": "ug", "c": "uu"}, DEGRADED),
        (None, {"a": "ud", "b": "uu", "c": "uu", "d": "ud"}, UP),
        (1, {"a": "ud", "b": "uu", "c": "uu"}, DOWN),
        (3, {"a": "ud", "b": "ud", "c": "uu"}, UP),
        (5, {"a": "ud", "b": "ud"}, DOWN),
        (None, {"a": "u?", "b": "ud", "c": "ud"}, DOWN),
        (None, {"a": "u?", "b": "u?"}, UNKNOWN),
        (None, {"a": "u?", "b": "uu"}, UP),
    ],
)
def test_enough_locations_decide(quorum: int | None, texts: dict[str, str], state: Outcome) -> None:
    assert several(quorum, **texts).state.state is state


def test_a_location_that_turns_blind_decides_nothing_until_its_vote_is_too_old() -> None:
    story = several(None, a="ud", b="ud", c="uu")
    story.tell(*outcomes("?", "a", start=2 * MINUTE))
    assert story.state.state is DOWN
    for minute in range(3, 9):
        story.tell(at(minute * MINUTE, DOWN, "b"), at(minute * MINUTE, UP, "c"), at(minute * MINUTE, UNKNOWN, "a"))
    assert story.state.state is UP, "one of two that see is no majority"


def test_when_nobody_has_reported_lately_the_last_votes_stand() -> None:
    story = several(None, a="ud", b="ud")
    assert story.tell(at(60 * MINUTE, UNKNOWN, "a")).state.settled is DOWN


def test_a_location_that_was_alone_counts_from_the_moment_another_reports() -> None:
    story = Story(rules()).tell(*outcomes("uuu", "a"), at(60 * MINUTE, DOWN, "b"))
    assert story.state.state is UP
    assert [track.location for track in story.state.tracks] == ["a", "b"]


def test_locations_that_have_not_settled_yet_have_no_vote() -> None:
    story = Story(rules(failure=2)).tell(at(0, DOWN, "a"), at(0, DOWN, "b"))
    assert (story.state.state, story.state.settled) == (UNKNOWN, UNKNOWN)
    assert story.tell(at(MINUTE, DOWN, "a")).state.state is DOWN


def test_a_steady_endpoint_of_several_locations_changes_its_state_a_few_times_a_minute_at_most() -> None:
    story = several(None, a="uuu", b="uuu")
    values = []
    for second in range(0, 120, 2):
        story.tell(at(10 * MINUTE + second * 1_000, UP, "a"), at(10 * MINUTE + second * 1_000, UP, "b"))
        values.append(story.state)
    assert len({id(value) for value in values}) <= 4


# What explains an outage


def test_an_outage_is_explained_and_explained_no_more() -> None:
    down = Story(rules()).tell(*outcomes("ud")).state
    child = explained(down, 5)
    assert child.incident is not None
    assert down.incident is not None
    assert child.incident.parent == 5
    assert explained(child, 5) is child
    assert explained(EndpointState(), 5) == EndpointState()
    (entry,) = entries(down.incident, child.incident, 7, parent="core_gateway")
    assert (entry.moment, entry.text) == (Moment.EXPLAINED, "core_gateway")
    (entry,) = entries(child.incident, down.incident, 8, parent="core_gateway")
    assert (entry.moment, entry.text) == (Moment.UNEXPLAINED, "core_gateway")


def test_the_end_says_how_long_it_lasted_and_whose_fault_it_was() -> None:
    story = Story(rules()).tell(*outcomes("ugdddu"))
    assert [(entry.moment, entry.text) for entry in story.entries] == [
        (Moment.OPENED, ""),
        (Moment.WORSENED, "degraded to down: connect/refused: nobody listens"),
        (Moment.RESOLVED, "after 4m: connect"),
    ]


# What always holds


steps = st.lists(
    st.tuples(
        st.sampled_from([UP, UP, DEGRADED, DOWN, DOWN, UNKNOWN]),
        st.sampled_from(["a", "b", "c"]),
        st.booleans(),
        st.integers(1, 4 * MINUTE),
    ),
    max_size=60,
)
some_rules = st.builds(
    rules,
    st.integers(1, 3),
    st.integers(1, 3),
    deep=st.integers(1, 4),
    quorum=st.sampled_from([None, 1, 2]),
    flapping=st.sampled_from([None, CALM, Flapping(changes=2, within=MINUTE, calm=MINUTE)]),
)


@given(by=some_rules, told=steps, places=st.integers(1, 3))
def test_incidents_and_changes_are_in_order_whatever_happens(
    by: Rules, told: list[tuple[Outcome, str, bool, int]], places: int
) -> None:
    story, slot = Story(by), 0
    for outcome, location, maintenance, passed in told:
        slot += passed
        known = set(story.incidents)
        where = "abc"[:places][ord(location) % places]
        story.tell(at(slot, outcome, where, maintenance=maintenance))
        opened = set(story.incidents) - known
        assert not (opened and maintenance), "nothing opens under maintenance"
        assert not (opened and outcome in (UP, UNKNOWN)), "nothing opens without a bad result"
        still_open = [each for each in story.incidents.values() if each.closed is None]
        assert still_open == ([] if story.state.incident is None else [story.state.incident]), "one at most is open"
    _are_in_order(story)


def _are_in_order(story: Story) -> None:
    spans = story.spans()
    for (_, closed), (opened, _) in pairwise(spans):
        assert closed is not None
        assert closed <= opened, "one is over before the next begins"
    for before, after in pairwise(story.changes):
        assert before.after is after.before, "each change goes on from the last"
        assert after.before is not after.after
    for opened in story.incidents:
        moments = [entry.moment for entry in story.entries if entry.incident.opened == opened]
        assert moments[0] is Moment.OPENED
        assert moments.count(Moment.OPENED) == 1
        assert moments.count(Moment.RESOLVED) == (story.incidents[opened].closed is not None)
        assert Moment.RESOLVED not in moments[:-1], "nothing comes after the end"
        assert [entry.at for entry in story.entries] == sorted(entry.at for entry in story.entries)


@given(by=some_rules, told=steps)
def test_the_same_outcomes_always_make_the_same_incidents(
    by: Rules, told: list[tuple[Outcome, str, bool, int]]
) -> None:
    one, other, slot = Story(by), Story(by), 0
    for outcome, location, maintenance, passed in told:
        slot += passed
        one.tell(at(slot, outcome, location, maintenance=maintenance))
        stored = msgspec.json.decode(msgspec.json.encode(other.state), type=EndpointState)
        other.state = stored
        other.tell(at(slot, outcome, location, maintenance=maintenance))
    assert one.incidents == other.incidents
    assert one.entries == other.entries
