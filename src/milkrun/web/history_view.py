"""What stretches of history say: percentiles warm and cold, uptime, and how much was left out of it. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from milkrun.core.incident import Incident
from milkrun.core.observation import Connection
from milkrun.core.rollup import Period, Rollup, together
from milkrun.core.slo import Counts, counts
from milkrun.web import words
from milkrun.web.wire import Json, instant

HOUR_MS = Period.HOUR.value
DAY_MS = Period.DAY.value

# Windows by their short name, milliseconds.
WINDOWS = {"1h": HOUR_MS, "24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS, "90d": 90 * DAY_MS}
NAMES = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
# What the chart of each range is made of: few points, and fewer rows than points would need of raw results.
RANGES = {"24h": Period.FIVE_MINUTES, "7d": Period.HOUR, "30d": Period.HOUR, "90d": Period.DAY}


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """How long checks took over one kind of connection, in milliseconds; None where there were none."""

    count: int = 0
    mean: float | None = None
    max: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint did in one stretch: slots by what they came to, latencies warm and cold."""

    counts: Counts
    warm: Latencies
    cold: Latencies


def summed(rollups: Sequence[Rollup]) -> Sum:
    """Roll-ups of one endpoint, of whatever length, location and connection, as one."""
    return Sum(
        counts=counts(rollups),
        warm=_latencies(rollups, Connection.WARM),
        cold=_latencies(rollups, Connection.COLD),
    )


def _latencies(rollups: Iterable[Rollup], connection: Connection) -> Latencies:
    found = [one.phases["total"] for one in rollups if one.connection is connection and "total" in one.phases]
    latency = found[0] if len(found) == 1 else together(found)
    if not latency.count:
        return Latencies()
    return Latencies(
        count=latency.count,
        mean=latency.sum / latency.count / 1_000,
        max=latency.max / 1_000,
        p50=latency.quantile(0.5),
        p95=latency.quantile(0.95),
        p99=latency.quantile(0.99),
    )


class WindowRow(msgspec.Struct, frozen=True, kw_only=True):
    """One window as the page's table has it, in words; `aside` is what its uptime leaves out, "" for nothing."""

    name: str
    checks: str
    uptime: str
    aside: str
    warm: tuple[str, str, str]
    cold: tuple[str, str, str]


def window_row(name: str, sum_: Sum) -> WindowRow:
    """One window of the table."""
    return WindowRow(
        name=NAMES[name],
        checks=words.count(sum_.counts.slots),
        uptime=words.share(sum_.counts.availability),
        aside=_aside(sum_.counts),
        warm=_three(sum_.warm),
        cold=_three(sum_.cold),
    )


def _three(latencies: Latencies) -> tuple[str, str, str]:
    return words.latency(latencies.p50), words.latency(latencies.p95), words.latency(latencies.p99)


def _aside(found: Counts) -> str:
    """How much is no evidence either way: "2.1% maintenance, 0.3% unknown"."""
    parts = ((found.maintenance, "maintenance"), (found.unknown, "unknown"))
    return ", ".join(f"{words.part(count / found.slots)} {what}" for count, what in parts if count)


def chart(course: Sequence[tuple[int, Sum]], outages: Iterable[Incident], now: int) -> Json:
    """Columns for the chart, oldest first: `t` (epoch seconds), medians and 99th percentiles in ms; outages as spans.

    A stretch without answers is a gap.
    """
    sums = [sum_ for _, sum_ in course]
    return {
        "t": [start / 1_000 for start, _ in course],
        "warm": [_rounded(sum_.warm.p50) for sum_ in sums],
        "warm99": [_rounded(sum_.warm.p99) for sum_ in sums],
        "cold": [_rounded(sum_.cold.p50) for sum_ in sums],
        "cold99": [_rounded(sum_.cold.p99) for sum_ in sums],
        "outages": [[one.opened / 1_000, (one.closed or now) / 1_000] for one in outages],
    }


def sum_object(sum_: Sum) -> Json:
    """One stretch in the JSON interface."""
    return {
        "outcomes": msgspec.structs.asdict(sum_.counts),
        "uptime": sum_.counts.availability,
        "warm_ms": _latency_object(sum_.warm),
        "cold_ms": _latency_object(sum_.cold),
    }


def stretch_object(start: int, sum_: Sum) -> Json:
    """One period of a history; `hour` is what `start` was called while hours were all there was."""
    return {"start": instant(start), "hour": instant(start), **sum_object(sum_)}


def _latency_object(latencies: Latencies) -> Json:
    values = msgspec.structs.asdict(latencies)
    return {name: value if name == "count" else _rounded(value) for name, value in values.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
