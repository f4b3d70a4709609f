"""What incidents' pages say: what explains what, headlines, timelines, where to look."""

import pytest
from msgspec.structs import replace

from milkrun.core.endpoint import Registered
from milkrun.core.incident import OURSELVES, Entry, Exhibit, Incident, Kind, Moment
from milkrun.core.outcome import Layer, Outcome
from milkrun.store.protocol import Case, Page
from milkrun.web import entry, incident_list, incident_view
from tests.support.scene import endpoint, result

ENTRIES = {n: entry.Entry(Registered(id=n, revision=1, endpoint=endpoint(n))) for n in range(1, 8)}
OPENED = 1_790_000_000_000


def outage(
    one: int, *, parent: int | None = None, state: Outcome = Outcome.DOWN, closed: int | None = None
) -> Incident:
    return Incident(endpoint=one, opened=OPENED, closed=closed, state=state, cause="why", parent=parent)


def folded(*incidents: Incident) -> list[tuple[int, list[int]]]:
    found = incident_list.rows(Page(items=incidents, total=len(incidents)), ENTRIES.get)
    return [
        (row.incident.endpoint, [one.incident.endpoint for one in row.explained]) for row in incident_list.folded(found)
    ]


@pytest.mark.parametrize(
    ("incidents", "shown"),
    [
        ((), []),
        ((outage(1), outage(2, parent=1), outage(3, parent=1)), [(1, [2, 3])]),
        ((outage(3, parent=2), outage(2, parent=1), outage(1)), [(1, [3, 2])]),
        ((outage(2, parent=9), outage(1)), [(1, []), (2, [])]),
        ((outage(1, parent=2), outage(2, parent=1)), [(1, []), (2, [])]),
        ((outage(1, state=Outcome.DEGRADED), outage(2)), [(2, []), (1, [])]),
    ],
    ids=["none", "children", "grandchildren go to the root", "parent elsewhere", "a circle", "the worst first"],
)
def test_what_an_outage_explains_is_folded_under_it(
    incidents: tuple[Incident, ...], shown: list[tuple[int, list[int]]]
) -> None:
    assert folded(*incidents) == shown


def test_a_row_says_whose_outage_explains_it_and_who_is_on_it() -> None:
    one = outage(2, parent=1)
    (row,) = incident_list.rows(Page(items=(one,), total=1, acknowledged={one.key: "ada"}), ENTRIES.get)
    assert (row.parent, row.acknowledged) == (ENTRIES[1].endpoint.name, "ada")


@pytest.mark.parametrize(
    ("incident", "name", "mark", "word"),
    [
        (outage(1), ENTRIES[1].endpoint.name, Outcome.DOWN, "down"),
        (outage(99), incident_list.GONE, Outcome.DOWN, "down"),
        (replace(outage(1), kind=Kind.CERTIFICATE), ENTRIES[1].endpoint.name, Outcome.DEGRADED, "certificate"),
        (replace(outage(OURSELVES), kind=Kind.NETWORK), incident_list.OWN_NETWORK, Outcome.UNKNOWN, "network"),
    ],
)
def test_an_incident_has_a_name_a_shape_and_a_word(incident: Incident, name: str, mark: Outcome, word: str) -> None:
    row = incident_list.incident_row(incident, ENTRIES.get)
    assert (row.name, row.mark, row.word) == (name, mark, word)


@pytest.mark.parametrize(
    ("incident", "said"),
    [
        (outage(1), "checkout has been down for 3 min"),
        (outage(1, closed=OPENED + 60_000), "checkout was down for 1 min"),
        (replace(outage(1), kind=Kind.CERTIFICATE), "The certificate of checkout has been in trouble for 3 min"),
        (replace(outage(1), kind=Kind.DOMAIN, closed=OPENED + 1), "The domain of checkout is well again"),
        (replace(outage(OURSELVES), kind=Kind.NETWORK), "Milkrun's own network has been in trouble for 3 min"),
    ],
)
def test_the_headline_says_what_for_how_long_and_whether_it_is_over(incident: Incident, said: str) -> None:
    row = incident_list.incident_row(incident, ENTRIES.get)
    assert incident_view.headline(row, OPENED / 1_000 + 180) == said


@pytest.mark.parametrize("layer", [*Layer, "condition"])
def test_every_layer_says_where_to_look(layer: str) -> None:
    assert incident_view.blame(replace(outage(1), layer=layer)).endswith(".")


@pytest.mark.parametrize("layer", ["", "something new"])
def test_a_cause_without_a_known_layer_says_nothing_of_where(layer: str) -> None:
    assert incident_view.blame(replace(outage(1), layer=layer)) == ""


def test_the_timeline_of_an_old_incident_is_what_the_incident_itself_tells() -> None:
    lines = incident_view.timeline(Case(incident=outage(1, closed=OPENED + 9), entries=(), exhibit=None))
    assert [(line.at - OPENED, line.said, line.text) for line in lines] == [(0, "Opened", "why"), (9, "Resolved", "")]


def test_evidence_stands_behind_the_opening_it_is_of() -> None:
    one = outage(1)
    registered = Registered(id=1, revision=1, endpoint=endpoint(1))
    entries = tuple(
        Entry(incident=one.key, at=OPENED + at, moment=moment, text="x", by=by)
        for at, moment, by in [(0, Moment.NOTIFIED, ""), (0, Moment.OPENED, ""), (5, Moment.ACKNOWLEDGED, "ada")]
    )
    exhibit = Exhibit(incident=one.key, result=result(registered, OPENED), headers=(("a", "b"),), body="c")
    case = Case(incident=one, entries=entries, exhibit=exhibit)
    lines = incident_view.timeline(case)
    assert [line.said for line in lines] == ["Opened", "Evidence", "Told", "Acknowledged"]
    assert lines[1].text == "the failing result, its headers and body, kept below"
    assert [incident_view.mark(line, one) for line in lines] == [Outcome.DOWN, None, None, None]
    assert incident_view.who(case) == "ada"


def test_every_moment_has_its_word() -> None:
    assert set(incident_view.SAID) == set(Moment)


def test_a_resolve_is_marked_as_up() -> None:
    (_, end) = incident_view.timeline(Case(incident=outage(1, closed=OPENED), entries=(), exhibit=None))
    assert incident_view.mark(end, outage(1)) is Outcome.UP
