"""One result as JSON: what `check --json` prints, the API returns and the live stream carries."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from milkrun.core.observation import Timings, Tls
from milkrun.core.result import Result

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Named(Protocol):
    """Whose result it is: a configured endpoint, or one that a store knows of."""

    @property
    def key(self) -> str:
        """What tells it from all others."""

    @property
    def group(self) -> str:
        """The group it is in, or nothing."""

    @property
    def name(self) -> str:
        """Its name in that group."""

    @property
    def target(self) -> str:
        """The URL as a person is shown it."""


def result_json(endpoint: Named, result: Result) -> dict[str, Any]:
    """The public shape of one result; parts that did not happen are None."""
    failure, http = result.failure, result.http
    return {
        "endpoint": endpoint.key,
        "group": endpoint.group,
        "name": endpoint.name,
        "url": endpoint.target,
        "location": result.location,
        "slot": iso_ms(result.slot),
        "attempt": result.attempt,
        "trigger": result.trigger.value,
        "started": iso_ms(round(result.started * 1_000)),
        "outcome": result.outcome.value,
        "connection": None if result.connection is None else result.connection.value,
        "stale_retry": result.stale_retry,
        "peer": result.peer,
        "lag_ms": _rounded(result.lag_ms),
        "warnings": list(result.warnings),
        "timings_ms": timings_json(result.timings),
        "http": None if http is None else {"status": http.status, "version": http.version, "bytes": http.bytes},
        "tls": None if result.tls is None else _tls_json(result.tls),
        "conditions": [
            {"condition": condition.condition, "passed": condition.passed, "shown": condition.shown}
            for condition in result.conditions
        ],
        "failure": None
        if failure is None
        else {"layer": failure.layer.value, "kind": failure.kind, "message": failure.message},
    }


def timings_json(timings: Timings) -> dict[str, float]:
    """Milliseconds by phase, to the microsecond."""
    return {phase: _rounded(getattr(timings, phase) * 1_000) for phase in timings.__struct_fields__}


def iso_ms(epoch: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC: `2026-11-22T10:00:10.250Z`. Raises OverflowError beyond year 9999."""
    return _iso(timedelta(milliseconds=epoch), "milliseconds")


def _tls_json(tls: Tls) -> dict[str, Any]:
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "not_after": None if tls.not_after is None else iso_seconds(tls.not_after),
    }


def iso_seconds(epoch: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, whole seconds, as certificates have them: `2027-01-01T00:00:00Z`."""
    return _iso(timedelta(seconds=int(epoch)), "seconds")


def _iso(since_epoch: timedelta, precision: str) -> str:
    return (EPOCH + since_epoch).isoformat(timespec=precision).replace("+00:00", "Z")


def _rounded(value: float) -> float:
    return round(value, 3)
