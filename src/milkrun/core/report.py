"""A report on a stretch of time: for each endpoint, and for endpoints together, what was promised and what was kept.

Availability is by slots (`core.slo`), downtime by incidents: from the first failing slot to the first good one, with
thresholds, as it was told of. The two answer different questions and need not agree to the second.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from milkrun.core.incident import Incident, Kind
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Latency, Rollup, together
from milkrun.core.slo import Budget, Counts, Objective, budget, counts


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of `total` in ms, of so many checks that got an answer."""

    checks: int
    p50: float
    p95: float
    p99: float


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    """Outages. `downtime` and `longest` are ms in which something was down; `repair` is the mean ms to recovery.

    `layers` says how many were whose fault. An outage that was only degraded is counted and is no downtime.
    """

    count: int = 0
    open: int = 0
    downtime: int = 0
    longest: int = 0
    repair: int | None = None
    layers: Mapping[str, int] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint, or several together, did. `covered` is the share of the time that was checked, 0 to 1."""

    key: str
    name: str
    group: str
    counts: Counts
    objective: Objective | None
    budget: Budget | None
    incidents: Incidents
    warm: Percentiles | None
    cold: Percentiles | None
    covered: float

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none, or nothing is known."""
        availability = self.counts.availability
        return None if self.objective is None or availability is None else availability >= self.objective.target


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint's figures before they are judged: they add up over endpoints. `latencies` are of `total`."""

    key: str
    name: str
    group: str
    counts: Counts
    latencies: Mapping[Connection | None, Latency]
    incidents: Sequence[Incident]
    expected: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `since` to `until` are epoch ms; `gap` is how many ms of that Milkrun was not running.

    `shared` are the objectives of groups and tags, each a line of all endpoints that it is about.
    """

    title: str
    zone: str
    since: int
    until: int
    made: int
    gap: int
    total: Line
    shared: tuple[Line, ...]
    groups: tuple[Line, ...]
    endpoints: tuple[Line, ...]


def account(
    rollups: Iterable[Rollup], *, key: str, name: str, group: str, incidents: Sequence[Incident], expected: float
) -> Account:
    """Sum up an endpoint's roll-ups. `expected` is how many slots there were to be."""
    known = list(rollups)
    kinds = dict.fromkeys(rollup.connection for rollup in known)
    latencies = {kind: together(_totals(known, kind)) for kind in kinds}
    return Account(
        key=key,
        name=name,
        group=group,
        counts=counts(known),
        latencies=latencies,
        incidents=[one for one in incidents if one.kind is Kind.OUTAGE],
        expected=expected,
    )


def line(
    accounts: Sequence[Account], *, key: str, name: str, group: str, objective: Objective | None, since: int, until: int
) -> Line:
    """Judge one account, or several together."""
    found = sum((each.counts for each in accounts), Counts())
    expected = sum(each.expected for each in accounts)
    covered = min(1.0, found.slots / expected) if expected else 0.0
    checked = round(covered * (until - since))
    return Line(
        key=key,
        name=name,
        group=group,
        counts=found,
        objective=objective,
        budget=None if objective is None else budget(objective, found, checked),
        incidents=_incidents([one for each in accounts for one in each.incidents], since, until),
        warm=_percentiles(accounts, Connection.WARM),
        cold=_percentiles(accounts, Connection.COLD),
        covered=covered,
    )


def _totals(rollups: Iterable[Rollup], kind: Connection | None) -> list[Latency]:
    return [one.phases["total"] for one in rollups if one.connection is kind and "total" in one.phases]


def _percentiles(accounts: Iterable[Account], kind: Connection) -> Percentiles | None:
    latency = together(each.latencies[kind] for each in accounts if kind in each.latencies)
    p50, p95, p99 = (latency.quantile(q) for q in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Percentiles(checks=latency.count, p50=p50, p95=p95, p99=p99)


def _incidents(incidents: Sequence[Incident], since: int, until: int) -> Incidents:
    spells = [_spell(one, since, until) for one in incidents if one.state is Outcome.DOWN]
    repairs = [one.closed - one.opened for one in incidents if one.closed is not None and one.closed <= until]
    return Incidents(
        count=len(incidents),
        open=len(incidents) - len(repairs),
        downtime=sum(spells),
        longest=max(spells, default=0),
        repair=round(sum(repairs) / len(repairs)) if repairs else None,
        layers=dict(Counter(one.layer or "unknown" for one in incidents).most_common()),
    )


def _spell(incident: Incident, since: int, until: int) -> int:
    """How long of the time from `since` to `until` it lasted."""
    closed = until if incident.closed is None else min(incident.closed, until)
    return max(0, closed - max(incident.opened, since))
