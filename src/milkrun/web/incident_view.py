"""What the page of one incident says: its headline, its timeline, its evidence. Pure."""

import msgspec

from milkrun.core.incident import Entry, Exhibit, Incident, Kind, Moment
from milkrun.core.outcome import Layer, Outcome
from milkrun.store.protocol import Case
from milkrun.web import words
from milkrun.web.incident_list import IncidentRow

# What happened, as a line of the timeline begins.
SAID = {
    Moment.OPENED: "Opened",
    Moment.WORSENED: "Got worse",
    Moment.EXPLAINED: "Explained",
    Moment.UNEXPLAINED: "No longer explained",
    Moment.FLAPPING: "Flapping",
    Moment.STEADY: "Steady again",
    Moment.NOTIFIED: "Told",
    Moment.ESCALATED: "Escalated",
    Moment.ACKNOWLEDGED: "Acknowledged",
    Moment.NOTE: "Note",
    Moment.RESOLVED: "Resolved",
}
ABOUT = {Kind.CERTIFICATE: "The certificate of {}", Kind.DOMAIN: "The domain of {}", Kind.NETWORK: "{}"}
# Whose fault each layer is, for a person who has to decide whom to call.
BLAME = {
    Layer.DNS: "The name did not lead to an address: look at DNS.",
    Layer.CONNECT: "No connection came about: look at the host, its port, and firewalls between.",
    Layer.TLS: "The TLS handshake failed: look at the certificate and at what ends TLS.",
    Layer.SEND: "The request could not be sent whole: the other side closed while it was.",
    Layer.WAIT: "The connection stood and no answer came: look at the service itself.",
    Layer.RECEIVE: "The answer began and broke off: look at the service and proxies before it.",
    Layer.PROTOCOL: "What came is not HTTP as it should be: look at the service and proxies before it.",
    Layer.BODY: "The body could not be read: look at what the service sends.",
    Layer.REDIRECT: "Redirects lead nowhere: look at where the service sends its callers.",
    Layer.SELF: "This is Milkrun's own trouble, not the target's.",
}
CONDITION = "An answer came and was judged wrong: look at the condition below."


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the timeline. `at` is epoch ms; `by` is who did it, "" for Milkrun itself."""

    at: int
    moment: Moment | None
    said: str
    text: str
    by: str


def headline(row: IncidentRow, now: float) -> str:
    """What, for how long, and whether it is over: "checkout has been down for 3 min"; `now` is epoch seconds."""
    incident = row.incident
    ends = now if incident.closed is None else incident.closed / 1_000
    lasted = words.duration(ends - incident.opened / 1_000)
    if incident.kind is not Kind.OUTAGE:
        about = ABOUT[incident.kind].format(row.name)
        return f"{about} has been in trouble for {lasted}" if incident.closed is None else f"{about} is well again"
    return f"{row.name} {'has been' if incident.closed is None else 'was'} {incident.state} for {lasted}"


def blame(incident: Incident) -> str:
    """Where to look, by the layer of the cause; "" where it has none."""
    if incident.layer == "condition":
        return CONDITION
    return BLAME.get(Layer(incident.layer), "") if incident.layer in set(Layer) else ""


def timeline(case: Case) -> list[Line]:
    """What happened, oldest first. What an old incident's entries do not tell, the incident itself does."""
    incident = case.incident
    told = {entry.moment for entry in case.entries}
    lines = [_line(entry) for entry in case.entries]
    if Moment.OPENED not in told:
        lines.append(_own(incident.opened, Moment.OPENED, incident.cause))
    if case.exhibit is not None:
        lines.append(_evidence(case.exhibit))
    if incident.closed is not None and Moment.RESOLVED not in told:
        lines.append(_own(incident.closed, Moment.RESOLVED, ""))
    return sorted(lines, key=_order)


def _line(entry: Entry) -> Line:
    return Line(at=entry.at, moment=entry.moment, said=SAID[entry.moment], text=entry.text, by=entry.by)


def _own(at: int, moment: Moment, text: str) -> Line:
    return Line(at=at, moment=moment, said=SAID[moment], text=text, by="")


def _evidence(exhibit: Exhibit) -> Line:
    kept = "the failing result" + (", its headers" if exhibit.headers else "") + (" and body" if exhibit.body else "")
    return Line(at=exhibit.result.slot, moment=None, said="Evidence", text=f"{kept}, kept below", by="")


PLACES = {moment: place for place, moment in enumerate((Moment.OPENED, None))}


def _order(line: Line) -> tuple[int, int]:
    """By time; of one moment, the opening comes first and its evidence next."""
    return line.at, PLACES.get(line.moment, len(PLACES) + (line.moment is Moment.RESOLVED))


def who(case: Case) -> str | None:
    """Who said first that they are on it; None for nobody."""
    return next((entry.by for entry in case.entries if entry.moment is Moment.ACKNOWLEDGED), None)


def mark(line: Line, incident: Incident) -> Outcome | None:
    """The shape beside a line: only what changed the state has one."""
    if line.moment in {Moment.OPENED, Moment.WORSENED}:
        return incident.state
    return Outcome.UP if line.moment is Moment.RESOLVED else None
