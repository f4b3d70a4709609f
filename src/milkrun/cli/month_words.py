"""How a report's figures read to a person, in a terminal and on a page."""

from datetime import datetime
from zoneinfo import ZoneInfo

from milkrun.alerting.spans import span
from milkrun.core.report import Line, Report
from milkrun.web.words import LAYERS, latency, share

NONE = "–"


def target(line: Line) -> str:
    """The target: "99.9%"."""
    return NONE if line.objective is None else f"{round(line.objective.target * 100, 6):g}%"


def verdict(line: Line) -> str:
    """Whether the target was met, in a word; a dash where nobody asked."""
    return {None: NONE, True: "met", False: "missed"}[line.met]


def left(line: Line) -> str:
    """What is left of the budget: "32 min (74%)", "6 h 2 min over"."""
    if line.budget is None:
        return NONE
    if line.budget.left < 0:
        return f"{span(-line.budget.left)} over"
    return f"{span(line.budget.left)} ({int(line.budget.share * 100)}%)"


def time(milliseconds: int | None) -> str:
    """A length of time; a dash for none."""
    return span(milliseconds) if milliseconds else NONE


def layers(line: Line) -> str:
    """Whose fault the incidents were: "3 connect, 1 response"."""
    return ", ".join(f"{count} {LAYERS.get(layer, layer)}" for layer, count in line.incidents.layers.items())


def percentiles(line: Line, kind: str) -> tuple[str, str, str]:
    """p50, p95 and p99 of `warm` or `cold` checks."""
    found = line.warm if kind == "warm" else line.cold
    return (NONE, NONE, NONE) if found is None else (latency(found.p50), latency(found.p95), latency(found.p99))


def covered(value: float) -> str:
    """A share of time that was checked."""
    return share(value)


def label(line: Line) -> str:
    """What a person calls it: its group and name, in one line."""
    name = f"{line.group}/{line.name}" if line.group else line.name or "(no group)"
    return " ".join(name.split())


def headline(report: Report) -> str:
    """The report in a sentence."""
    total, judged = report.total, [each for each in report.endpoints if each.met is not None]
    missed = sum(each.met is False for each in judged)
    count = len(report.endpoints)
    parts = [
        f"{count:,} endpoint{'s' if count != 1 else ''}, {share(total.counts.availability)} available",
        f"{total.incidents.count:,} incident{'s' if total.incidents.count != 1 else ''}",
    ]
    if judged:
        parts.append(f"{missed:,} of {len(judged):,} targets missed" if missed else f"all {len(judged):,} targets met")
    return "; ".join(parts) + "."


def excluded(line: Line) -> str:
    """What did not count, and why: in slots."""
    counts = line.counts
    return f"{counts.unknown:,} unknown, {counts.maintenance:,} under maintenance, of {counts.slots:,} slots"


def scope(report: Report) -> str:
    """Which time it is about: "1 Oct 2026 00:00 to 1 Nov 2026 00:00, UTC"."""
    return f"{moment(report, report.since)} to {moment(report, report.until)}, {report.zone}"


def moment(report: Report, at: int) -> str:
    """A time (epoch ms) in the report's zone."""
    local = datetime.fromtimestamp(at / 1_000, ZoneInfo(report.zone))
    return f"{local.day} {local:%b %Y %H:%M}"
