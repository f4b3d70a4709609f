"""How values read as JSON, in the words of the interface: one object an endpoint, an incident, a change, an hour."""

from typing import Any

from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Incident
from milkrun.core.result_json import iso_ms, result_json
from milkrun.core.state import StateChange
from milkrun.core.tally import Tally
from milkrun.web.entry import Entry

Json = dict[str, Any]


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
        "since": instant(entry.state.since),
        "last": result_json(entry.endpoint, entry.last) if entry.last else None,
        "uptime": {"24h": entry.uptime()},
        "latency_ms": {"p50": median, "p99": slowest},
    }


def incident_object(key: str | None, incident: Incident) -> Json:
    """One incident; `endpoint` is None for one whose endpoint is no longer configured."""
    return {
        "endpoint": key,
        "opened": instant(incident.opened),
        "closed": instant(incident.closed),
        "state": incident.state.value,
        "cause": incident.cause,
    }


def tally_object(tally: Tally) -> Json:
    """One hour of one endpoint; latencies in milliseconds, warm and cold apart, None where there were none."""
    return {
        "hour": instant(tally.hour),
        "outcomes": {"up": tally.up, "degraded": tally.degraded, "down": tally.down, "unknown": tally.unknown},
        "warm_ms": _series(tally.warm, tally.warm_sum, tally.warm_max),
        "cold_ms": _series(tally.cold, tally.cold_sum, tally.cold_max),
    }


def _series(count: int, total: float, most: float) -> Json:
    return {
        "count": count,
        "mean": round(total / count, 3) if count else None,
        "max": round(most, 3) if count else None,
    }
