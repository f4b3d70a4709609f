"""How values read as JSON, in the words of the interface: one object an endpoint, an incident, a change."""

from collections.abc import Callable
from typing import Any

from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Exhibit, Incident
from milkrun.core.result_json import iso_ms, result_json
from milkrun.core.state import StateChange
from milkrun.store.protocol import Case
from milkrun.web.entry import Entry
from milkrun.web.incident_view import who

Json = dict[str, Any]

# Stands for an endpoint that is no longer configured, where evidence of it is still kept.
GONE = Endpoint(key="", name="", group="", kind="", target="", interval=0, timeout=0.0, options=None)


def instant(milliseconds: float | None) -> str | None:
    """Epoch milliseconds as "2026-11-22T10:00:10.250Z"; None stays None."""
    return None if milliseconds is None else iso_ms(int(milliseconds))


def change_object(endpoint: Endpoint, change: StateChange) -> Json:
    """One change of state, as the stream carries it."""
    return {
        "endpoint": endpoint.key,
        "before": change.before.value,
        "after": change.after.value,
        "at": instant(change.at),
        "cause": change.incident.cause if change.incident else None,
    }


def endpoint_object(entry: Entry) -> Json:
    """One endpoint: its key, state, since when, last result, uptime of 24 hours, recent percentiles."""
    median, slowest = entry.percentiles()
    return {
        "key": entry.endpoint.key,
        "group": entry.endpoint.group,
        "name": entry.endpoint.name,
        "kind": entry.endpoint.kind,
        "url": entry.endpoint.target,
        "interval_ms": entry.endpoint.interval,
        "revision": entry.revision,
        "state": entry.state.state.value,
        "maintenance": entry.maintained,
        "since": instant(entry.state.since),
        "last": result_json(entry.endpoint, entry.last) if entry.last else None,
        "uptime": {"24h": entry.uptime()},
        "latency_ms": {"p50": median, "p99": slowest},
    }


def incident_object(incident: Incident, key_of: Callable[[int], str | None], acknowledged: str | None) -> Json:
    """One incident; `endpoint` is None for one whose endpoint is not, or no longer, configured."""
    return {
        "key": str(incident.key),
        "endpoint": key_of(incident.endpoint),
        "kind": incident.kind.value,
        "severity": incident.severity.value,
        "opened": instant(incident.opened),
        "closed": instant(incident.closed),
        "state": incident.state.value,
        "cause": incident.cause,
        "layer": incident.layer or None,
        "parent": key_of(incident.parent) if incident.parent is not None else None,
        "acknowledged": acknowledged,
        "flapping": incident.flapping,
    }


def case_object(case: Case, find: Callable[[int], Entry | None]) -> Json:
    """One incident with its timeline and its evidence."""

    def key_of(endpoint: int) -> str | None:
        entry = find(endpoint)
        return entry.endpoint.key if entry else None

    entry = find(case.incident.endpoint)
    return {
        **incident_object(case.incident, key_of, who(case)),
        "timeline": [
            {"at": instant(one.at), "moment": one.moment.value, "text": one.text, "by": one.by or None}
            for one in case.entries
        ],
        "exhibit": exhibit_object(case.exhibit, entry.endpoint if entry else GONE) if case.exhibit else None,
    }


def exhibit_object(exhibit: Exhibit, endpoint: Endpoint) -> Json:
    """The evidence: the first failing result, and what came with it."""
    return {
        "result": result_json(endpoint, exhibit.result),
        "headers": [list(header) for header in exhibit.headers],
        "body": exhibit.body,
        "cut": exhibit.cut,
    }
