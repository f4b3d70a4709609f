"""What one row of a page says, worked out here so that templates only place it."""

import math

import msgspec

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.web import marks, words
from milkrun.web.entry import Entry

SHOWN = 30  # results in a row's sparkline
PHASES = ("queue", "dns", "connect", "tls", "send", "wait", "receive")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint on the overview. `since` is epoch ms; `now` lets the template say how long ago."""

    id: int
    key: str
    name: str
    target: str
    state: Outcome
    reason: str
    detail: str
    since: int | None
    bars: marks.Paths
    median: str
    slowest: str
    uptime: str
    maintained: bool


def row(entry: Entry) -> Row:
    """The row of one endpoint."""
    median, slowest = entry.percentiles()
    reason = why(entry)
    return Row(
        id=entry.id,
        key=entry.endpoint.key,
        name=entry.endpoint.name,
        target=entry.endpoint.target,
        state=entry.state.state,
        reason=reason,
        detail=_detail(entry.last),
        since=entry.state.since,
        bars=marks.sparkline(entry.recent(SHOWN), SHOWN),
        median=words.latency(median),
        slowest=words.latency(slowest),
        uptime=words.share(entry.uptime()),
        maintained=entry.maintained,
    )


def why(entry: Entry) -> str:
    """Why an endpoint is not up: its last result's reason, else what opened the incident."""
    if entry.state.state is Outcome.UP:
        return ""
    if entry.state.since is None:
        return "waiting for the first check"
    reason = words.reason(entry.last)
    incident = entry.state.incident
    return reason or (incident.cause if incident is not None else "")


def _detail(last: Result | None) -> str:
    return last.failure.message if last is not None and last.failure is not None else ""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of a waterfall: where it begins and how wide it is, in percent of the whole."""

    phase: str
    text: str
    begins: float
    width: float


def waterfall(timings: Timings) -> list[Bar]:
    """The phases that happened, one after the other."""
    seconds = [(phase, getattr(timings, phase)) for phase in PHASES]
    whole = math.fsum(value for _, value in seconds) or 1.0
    bars, place = [], 0.0
    for phase, value in seconds:
        if value > 0:
            share = value / whole * 100
            bars.append(Bar(phase=phase, text=words.latency(value * 1_000), begins=place, width=max(share, 0.4)))
            place += share
    return bars


def chart(results: list[Result]) -> dict[str, list[float | int | None]]:
    """Columns for the phase chart, oldest first: `t` (epoch seconds), a column a phase (ms), outcome and warmth.

    `outcome` is the place in Outcome; `cold` is 1 for a new connection. A failed check has no phases: its time is
    no latency.
    """
    ordered = sorted(results, key=lambda result: (result.slot, result.attempt))
    places = {outcome: place for place, outcome in enumerate(Outcome)}
    columns: dict[str, list[float | int | None]] = {
        "t": [result.slot / 1_000 for result in ordered],
        "outcome": [places[result.outcome] for result in ordered],
        "cold": [int(result.connection is Connection.COLD) for result in ordered],
    }
    for phase in PHASES[1:]:
        columns[phase] = [
            None if result.failure else round(getattr(result.timings, phase) * 1_000, 2) for result in ordered
        ]
    return columns
