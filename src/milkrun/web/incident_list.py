"""Incidents as lists show them: named, marked, and what another one explains folded under it. Pure."""

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from milkrun.core.incident import OURSELVES, Incident, Kind
from milkrun.core.outcome import Outcome
from milkrun.store.protocol import Page
from milkrun.web.entry import Entry

OUTAGES = frozenset({Kind.OUTAGE})
WARNINGS = frozenset(Kind) - OUTAGES

# The shape an incident has: an outage that of its worst state, the others that of what they do to a state, nothing.
MARKS = {Kind.CERTIFICATE: Outcome.DEGRADED, Kind.DOMAIN: Outcome.DEGRADED, Kind.NETWORK: Outcome.UNKNOWN}
OWN_NETWORK = "Milkrun's own network"
GONE = "an endpoint no longer configured"

Find = Callable[[int], Entry | None]


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in a list. `key` is its endpoint's, None when that is no longer configured.

    `parent` is the name of the endpoint that explains it, "" where none does. `acknowledged` is who is on it, None for
    nobody. `explained` are those this one explains.
    """

    incident: Incident
    key: str | None
    name: str
    group: str
    mark: Outcome
    word: str
    parent: str = ""
    acknowledged: str | None = None
    explained: tuple["IncidentRow", ...] = ()


def rows(page: Page, find: Find) -> list[IncidentRow]:
    """A page of incidents as rows, in its order; `find` gives an endpoint by id."""
    return [incident_row(incident, find, page.acknowledged.get(incident.key)) for incident in page.items]


def incident_row(incident: Incident, find: Find, acknowledged: str | None = None) -> IncidentRow:
    """One incident with the names it needs."""
    entry = find(incident.endpoint)
    parent = find(incident.parent) if incident.parent is not None else None
    return IncidentRow(
        incident=incident,
        key=entry.endpoint.key if entry else None,
        name=entry.endpoint.name if entry else _nameless(incident),
        group=entry.endpoint.group if entry else "",
        mark=MARKS.get(incident.kind, incident.state),
        word=incident.state.value if incident.kind is Kind.OUTAGE else incident.kind.value,
        parent=parent.endpoint.name if parent else "",
        acknowledged=acknowledged,
    )


def _nameless(incident: Incident) -> str:
    return OWN_NETWORK if incident.endpoint == OURSELVES else GONE


def folded(found: Iterable[IncidentRow]) -> list[IncidentRow]:
    """Open outages with those that another of them explains under it, the worst first, in their order otherwise.

    What is explained by one that is not among them stands by itself, and says whose it is.
    """
    ordered = list(found)
    owners = {row.incident.endpoint: row for row in ordered}
    under: dict[int, list[IncidentRow]] = {}
    roots = []
    for row in ordered:
        owner = _owner(row.incident, owners)
        if owner == row.incident.endpoint:
            roots.append(row)
        else:
            under.setdefault(owner, []).append(row)
    roots.sort(key=_calmness)
    return [replace(row, explained=tuple(under.get(row.incident.endpoint, ()))) for row in roots]


def _owner(incident: Incident, owners: dict[int, IncidentRow]) -> int:
    """The endpoint whose outage explains this one in the end; its own where nobody's does, or all do in a circle."""
    passed, owner = {incident.endpoint}, incident
    while owner.parent in owners:
        if owner.parent in passed:
            return incident.endpoint
        passed.add(owner.parent)
        owner = owners[owner.parent].incident
    return owner.endpoint


def _calmness(row: IncidentRow) -> tuple[bool, bool]:
    return row.incident.parent is not None, row.incident.state is not Outcome.DOWN
