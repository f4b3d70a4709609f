"""What an incident's timeline says of a step: the entries that lie between an incident as it was and as it is."""

import msgspec

from milkrun.core.durations import format_duration
from milkrun.core.incident import Entry, Incident, Moment
from milkrun.core.state import EndpointState


def moved(before: EndpointState, after: EndpointState, at: int) -> Incident | None:
    """The outage that a step opened, changed or closed, as it is now; None where it touched none."""
    if after.incident is not None:
        return None if after.incident == before.incident else after.incident
    if before.incident is None:
        return None
    return msgspec.structs.replace(before.incident, closed=at, flapping=False)


def entries(was: Incident | None, now: Incident, at: int, *, parent: str = "") -> list[Entry]:
    """What happened to an incident at `at` (epoch ms), in order; `was` is None where it opened.

    `parent` is the key of the endpoint that explains it, or did until now.
    """
    told: list[tuple[Moment, str]] = []
    if was is None:
        told.append((Moment.OPENED, now.cause))
    else:
        told += _changes(was, now)
    parent_before = None if was is None else was.parent
    if now.parent != parent_before:
        told.append((Moment.UNEXPLAINED if now.parent is None else Moment.EXPLAINED, parent))
    if now.closed is not None:
        told.append((Moment.RESOLVED, resolution(now)))
    return [Entry(incident=now.key, at=at, moment=moment, text=text) for moment, text in told]


def resolution(incident: Incident) -> str:
    """How long a closed incident lasted, and whose fault it was: `after 2h5m: connect`."""
    lasted = format_duration((incident.closed or incident.opened) - incident.opened)
    return f"after {lasted}: {incident.layer}" if incident.layer else f"after {lasted}"


def _changes(was: Incident, now: Incident) -> list[tuple[Moment, str]]:
    told: list[tuple[Moment, str]] = []
    if now.state is not was.state:  # an incident's state is the worst it has seen
        told.append((Moment.WORSENED, f"{was.state.value} to {now.state.value}: {now.cause}"))
    if now.flapping is not was.flapping:
        told.append((Moment.FLAPPING if now.flapping else Moment.STEADY, ""))
    return told
