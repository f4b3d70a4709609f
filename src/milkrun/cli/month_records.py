"""A report for machines: one JSON object, or CSV with a row for each line of it. Times are ISO 8601, lengths ms."""

import csv
from datetime import UTC, datetime
from io import StringIO

import orjson

from milkrun.cli.csv_text import inert
from milkrun.core.report import Line, Percentiles, Report

COLUMNS = (
    "kind", "key", "name", "group", "availability", "target", "met", "budget_allowed_ms", "budget_spent_ms",
    "budget_left_ms", "budget_left", "downtime_ms", "longest_ms", "incidents", "incidents_open", "repair_ms", "layers",
    "up", "degraded", "down", "unknown", "maintenance", "warm_checks", "warm_p50_ms", "warm_p95_ms", "warm_p99_ms",
    "cold_checks", "cold_p50_ms", "cold_p95_ms", "cold_p99_ms", "covered",
)  # fmt: skip


def as_json(report: Report) -> bytes:
    """The whole report as one object."""
    return orjson.dumps(
        {
            "title": report.title,
            "timezone": report.zone,
            "since": _iso(report.since),
            "until": _iso(report.until),
            "made": _iso(report.made),
            "not_running_ms": report.gap,
            "total": _object(report.total),
            "objectives": [_object(line) for line in report.shared],
            "groups": [_object(line) for line in report.groups],
            "endpoints": [_object(line) for line in report.endpoints],
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def as_csv(report: Report) -> bytes:
    """A header and a row for each line; an empty field is what there is none of, no text is a formula."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    kinds = {"total": [report.total], "objective": report.shared, "group": report.groups, "endpoint": report.endpoints}
    for kind, lines in kinds.items():
        writer.writerows({"kind": kind, **_flat(line), **_names(line)} for line in lines)
    return text.getvalue().encode()


def _names(line: Line) -> dict[str, str]:
    return {"key": inert(line.key), "name": inert(line.name), "group": inert(line.group)}


def _object(line: Line) -> dict[str, object]:
    flat = _flat(line)
    budget = {name: flat.pop(f"budget_{name}") for name in ("allowed_ms", "spent_ms", "left_ms", "left")}
    latencies = {
        kind: {name: flat.pop(f"{kind}_{name}") for name in ("checks", "p50_ms", "p95_ms", "p99_ms")}
        for kind in ("warm", "cold")
    }
    return flat | {"layers": dict(line.incidents.layers), "budget": line.budget and budget, "latency": latencies}


def _flat(line: Line) -> dict[str, object]:
    counts, budget, incidents = line.counts, line.budget, line.incidents
    return {
        "key": line.key,
        "name": line.name,
        "group": line.group,
        "availability": counts.availability,
        "target": line.objective and line.objective.target,
        "met": line.met,
        "budget_allowed_ms": budget and budget.allowed,
        "budget_spent_ms": budget and budget.spent,
        "budget_left_ms": budget and budget.left,
        "budget_left": budget and budget.share,
        "downtime_ms": incidents.downtime,
        "longest_ms": incidents.longest,
        "incidents": incidents.count,
        "incidents_open": incidents.open,
        "repair_ms": incidents.repair,
        "layers": " ".join(f"{layer}={count}" for layer, count in incidents.layers.items()),
        "up": counts.up,
        "degraded": counts.degraded,
        "down": counts.down,
        "unknown": counts.unknown,
        "maintenance": counts.maintenance,
        **_latency("warm", line.warm),
        **_latency("cold", line.cold),
        "covered": line.covered,
    }


def _latency(kind: str, found: Percentiles | None) -> dict[str, object]:
    return {
        f"{kind}_checks": 0 if found is None else found.checks,
        f"{kind}_p50_ms": found and found.p50,
        f"{kind}_p95_ms": found and found.p95,
        f"{kind}_p99_ms": found and found.p99,
    }


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
