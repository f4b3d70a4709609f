"""Roll-ups: what one endpoint did in one period, from one location, over one kind of connection. They merge.

A roll-up is a function of results: it is counted from them, never kept as a running total of its own. While it is
counted it is a *draft*, with the latencies as they came: to bin them at its end costs less, and a draft is small.
"""

from array import array
from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.sketch import Sketch

FIVE_MINUTES_MS = 300_000

# Five minutes close so long (ms) after their end, by when no check of theirs still runs; what comes later is late.
GRACE_MS = 60_000
# So long after their end they are written, where storing works: to bin what 10,000 endpoints did takes half a second of
# work, which is done a part at a time.
WRITTEN_MS = 180_000

# Read for every result: to look a member up in its enum takes longer than the rest of a count.
_UP, _DEGRADED, _DOWN, _WARM = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Connection.WARM


class Period(Enum):
    """How long a roll-up is: milliseconds. Each begins at a multiple of its length since the epoch (UTC)."""

    FIVE_MINUTES = FIVE_MINUTES_MS
    HOUR = 12 * FIVE_MINUTES_MS
    DAY = 288 * FIVE_MINUTES_MS

    def begin(self, slot: int) -> int:
        """The beginning of the period that a slot falls in, both epoch ms."""
        return slot - slot % self.value

    def end(self, slot: int) -> int:
        """The end of the period that a slot falls in, which is the next one's beginning; both epoch ms."""
        return self.begin(slot) + self.value


# The phases whose latencies are kept; the rest of `Timings` is what is left of `total`. Values are microseconds.
PHASES = ("dns", "connect", "tls", "wait", "receive", "total")
# A connection that was open already has been resolved, connected and secured before.
WARM_PHASES = ("wait", "receive", "total")


class Latency(msgspec.Struct, kw_only=True, gc=False):
    """The latencies of one phase, in whole microseconds; only checks that got an answer and had the phase count."""

    count: int = 0
    sum: int = 0
    min: int = 0
    max: int = 0
    sketch: Sketch = msgspec.field(default_factory=Sketch)

    def quantile(self, q: float) -> float | None:
        """What a share `q` (0 to 1) of them lies at or below, in ms; None without any.

        It is off by the sketch's ERROR at most, and never outside of what was seen.
        """
        value = self.sketch.quantile(q)
        return None if value is None else min(max(value, self.min), self.max) / 1_000


class Rollup(msgspec.Struct, kw_only=True):
    """What happened. Identity is (period, start, endpoint, location, connection); `start` is epoch ms.

    Counts are of slots, by the outcome of their last attempt; those under maintenance are in `maintenance` alone.
    `connection` is None for results that came over none.
    """

    period: Period
    start: int
    endpoint: int
    location: str
    connection: Connection | None
    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0
    phases: dict[str, Latency] = {}


class Draft(msgspec.Struct, kw_only=True, gc=False):
    """A roll-up that is still counted: `seconds` are the phases' latencies, one result's after the other's."""

    rollup: Rollup
    seconds: "array[float]" = msgspec.field(default_factory=lambda: array("d"))


def draft(period: Period, result: Result) -> Draft:
    """A draft of the roll-up that `result` belongs to, in which nothing is counted yet."""
    return Draft(
        rollup=Rollup(
            period=period,
            start=period.begin(result.slot),
            endpoint=result.endpoint,
            location=result.location,
            connection=result.connection,
        )
    )


def fold(draft: Draft, result: Result) -> None:
    """Count a result of the draft's own period, endpoint, location and connection."""
    if result.maintenance:
        draft.rollup.maintenance += 1
        return
    add_outcomes(draft.rollup, result.outcome, 1)
    if result.failure is None:
        draft.seconds.fromlist(_seconds(result.timings, result.connection))


def add_outcomes(rollup: Rollup, outcome: Outcome, times: int) -> None:
    """Count so many slots of one outcome, none of them under maintenance."""
    if outcome is _UP:
        rollup.up += times
    elif outcome is _DEGRADED:
        rollup.degraded += times
    elif outcome is _DOWN:
        rollup.down += times
    else:
        rollup.unknown += times


def add_latencies(rollup: Rollup, name: str, values: Sequence[int]) -> None:
    """Count one phase's latencies, in whole microseconds, of checks that got an answer."""
    # What took no whole microsecond did not happen, and a stored result cannot tell the two apart.
    happened = values if name == "total" else [value for value in values if value]
    if happened and name in rollup.phases:
        _merge(rollup.phases[name], _latency(happened))
    elif happened:
        rollup.phases[name] = _latency(happened)


def phases_of(connection: Connection | None) -> tuple[str, ...]:
    """The phases whose latencies are kept of checks over such a connection."""
    return WARM_PHASES if connection is _WARM else PHASES


def finish(draft: Draft) -> Rollup:
    """The draft's roll-up with all its latencies binned; the draft has none of its own left and may be gone on with."""
    rollup, seconds = draft.rollup, draft.seconds
    names = phases_of(rollup.connection)
    for place, name in enumerate(names):
        add_latencies(rollup, name, [round(value * 1e6) for value in seconds[place :: len(names)]])
    draft.seconds = array("d")
    return rollup


def roll_up(period: Period, results: Iterable[Result]) -> list[Rollup]:
    """The roll-ups of these results, each the last attempt of its slot."""
    drafts: dict[tuple[int, int, str, Connection | None], Draft] = {}
    for result in results:
        key = (period.begin(result.slot), result.endpoint, result.location, result.connection)
        if key not in drafts:
            drafts[key] = draft(period, result)
        fold(drafts[key], result)
    return [finish(each) for each in drafts.values()]


def merge(into: Rollup, other: Rollup) -> None:
    """Count in `into` all that `other` counts, which stays as it is; identities are the caller's business."""
    into.up += other.up
    into.degraded += other.degraded
    into.down += other.down
    into.unknown += other.unknown
    into.maintenance += other.maintenance
    for name, latency in other.phases.items():
        if name not in into.phases:
            into.phases[name] = Latency()
        _merge(into.phases[name], latency)


def together(latencies: Iterable[Latency]) -> Latency:
    """Several latencies as one, of their own."""
    whole = Latency()
    for latency in latencies:
        _merge(whole, latency)
    return whole


def _seconds(timings: Timings, connection: Connection | None) -> list[float]:
    if connection is _WARM:
        return [timings.wait, timings.receive, timings.total]
    return [timings.dns, timings.connect, timings.tls, timings.wait, timings.receive, timings.total]


def _latency(values: Sequence[int]) -> Latency:
    sketch = Sketch()
    sketch.add_all(values)
    return Latency(count=len(values), sum=sum(values), min=min(values), max=max(values), sketch=sketch)


def _merge(into: Latency, other: Latency) -> None:
    if not other.count:
        return
    into.min = min(into.min, other.min) if into.count else other.min
    into.max = max(into.max, other.max)
    into.count += other.count
    into.sum += other.sum
    into.sketch.merge(other.sketch)
