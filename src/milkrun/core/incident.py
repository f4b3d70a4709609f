"""An incident: a stretch in which something was not well, what is known of it, and what was done about it.

Its identity is (endpoint, opened, kind): the same results always make the same incident, so that nothing which is
written twice after a crash is there twice.
"""

from enum import StrEnum

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.core.result import Result

# Milkrun itself, where an incident needs an endpoint: no endpoint has this id.
OURSELVES = 0


class Kind(StrEnum):
    """What an incident is about. Only an outage is downtime; the others are warnings, or about Milkrun itself."""

    OUTAGE = "outage"
    CERTIFICATE = "certificate"
    DOMAIN = "domain"
    NETWORK = "network"


class Severity(StrEnum):
    """How much it matters to whoever is told."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class IncidentKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Which incident: the endpoint's id, the slot (epoch ms) at which it opened, and its kind."""

    endpoint: int
    opened: int
    kind: Kind = Kind.OUTAGE

    def __str__(self) -> str:
        return f"{self.endpoint}-{self.opened}-{self.kind.value}"


def incident_key(text: str) -> IncidentKey:
    """Read what `str` of a key wrote. Raises ValueError for anything else."""
    endpoint, opened, kind = text.split("-")
    return IncidentKey(int(endpoint), int(opened), Kind(kind))


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Times are slots, epoch milliseconds.

    `state` is the worst state it has seen, `cause` one sentence on what brought it there, `layer` whose fault that was:
    a failure's layer, "condition" where the answer was judged wrong, "" where it is no outage. `parent` is the id of
    the endpoint whose own outage explains this one. `flapping`: the state changes too often for each to be told.
    """

    endpoint: int
    opened: int
    closed: int | None
    state: Outcome
    cause: str
    kind: Kind = Kind.OUTAGE
    layer: str = ""
    parent: int | None = None
    flapping: bool = False

    @property
    def key(self) -> IncidentKey:
        """Its identity."""
        return IncidentKey(self.endpoint, self.opened, self.kind)

    @property
    def severity(self) -> Severity:
        """How much it matters: an outage that is down is critical, what is about Milkrun itself a notice."""
        if self.kind is Kind.NETWORK:
            return Severity.NOTICE
        return Severity.CRITICAL if self.kind is Kind.OUTAGE and self.state is Outcome.DOWN else Severity.WARNING


class Moment(StrEnum):
    """What an entry of an incident's timeline says happened."""

    OPENED = "opened"
    WORSENED = "worsened"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    FLAPPING = "flapping"
    STEADY = "steady"
    NOTIFIED = "notified"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    NOTE = "note"
    RESOLVED = "resolved"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an incident's timeline. `at` is epoch ms; `by` is who did it, "" for Milkrun itself."""

    incident: IncidentKey
    at: int
    moment: Moment
    text: str = ""
    by: str = ""


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """An incident's evidence: its first failing result whole, and the answer's headers and beginning of its body.

    Secrets are masked before an exhibit is made. `body` is None where none was read; `cut`: there was more of it.
    """

    incident: IncidentKey
    result: Result
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    cut: bool = False
