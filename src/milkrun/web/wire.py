"""How values read as JSON, in the words of the interface: one object a result, an endpoint, an incident, an hour."""

from datetime import UTC, datetime
from typing import Any

from milkrun.core.endpoint import Endpoint
from milkrun.core.observation import Timings, Tls
from milkrun.core.result import Result
from milkrun.core.state import Incident, StateChange
from milkrun.core.tally import Tally
from milkrun.web.entry import Entry

Json = dict[str, Any]
PHASES = ("queue", "dns", "connect", "tls", "send", "wait", "receive", "total")


def instant(milliseconds: float | None) -> str | None:
    """Epoch milliseconds as "2026-11-22T10:00:10.250Z"; None stays None."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def timings_object(timings: Timings) -> Json:
    """Milliseconds by phase, to the microsecond."""
    return {phase: round(getattr(timings, phase) * 1_000, 3) for phase in PHASES}


def tls_object(tls: Tls) -> Json:
    """The session and the leaf certificate, validity as instants to the second."""
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "not_before": _second(tls.not_before),
        "not_after": _second(tls.not_after),
        "subject": tls.subject,
        "issuer": tls.issuer,
        "names": tls.names,
    }


def _second(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")[:-6] + "Z"


def result_object(endpoint: Endpoint, result: Result) -> Json:
    """One result, as `check --json` prints it, the interface returns it and the stream carries it."""
    http, failure = result.http, result.failure
    return {
        "endpoint": endpoint.key,
        "group": endpoint.group,
        "name": endpoint.name,
        "url": endpoint.target,
        "location": result.location,
        "slot": instant(result.slot),
        "attempt": result.attempt,
        "trigger": result.trigger.value,
        "started": instant(result.started * 1_000),
        "outcome": result.outcome.value,
        "connection": result.connection.value if result.connection else None,
        "stale_retry": result.stale_retry,
        "peer": result.peer,
        "lag_ms": round(result.lag_ms, 3),
        "warnings": result.warnings,
        "timings_ms": timings_object(result.timings),
        "http": {"status": http.status, "version": http.version, "bytes": http.bytes} if http else None,
        "tls": tls_object(result.tls) if result.tls else None,
        "conditions": [
            {"condition": one.condition, "passed": one.passed, "shown": one.shown} for one in result.conditions
        ],
        "failure": {"layer": failure.layer.value, "kind": failure.kind, "message": failure.message}
        if failure
        else None,
    }


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
        "last": result_object(entry.endpoint, entry.last) if entry.last else None,
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
