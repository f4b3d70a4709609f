"""An hour's tally of one endpoint: the counts and sums of its roll-ups alone, light enough for ten thousand pages."""

from collections.abc import Iterable

import msgspec

from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result

HOUR = 3_600_000


class Tally(msgspec.Struct, kw_only=True, gc=False):
    """What one endpoint did in one hour. `hour` is epoch ms, rounded down; latencies are milliseconds of `total`.

    Latencies are those of checks that got an answer: how long it took to fail is no latency of the target's.
    """

    endpoint: int
    hour: int
    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    warm: int = 0
    warm_sum: float = 0.0
    warm_max: float = 0.0
    cold: int = 0
    cold_sum: float = 0.0
    cold_max: float = 0.0


def hour_of(slot: int) -> int:
    """The hour a slot falls in, both epoch milliseconds."""
    return slot - slot % HOUR


def fold(tally: Tally, result: Result) -> None:
    """Count one result in its hour's tally, which it changes; one under maintenance counts for nothing."""
    if result.maintenance:
        return
    if result.outcome is Outcome.UP:
        tally.up += 1
    elif result.outcome is Outcome.DEGRADED:
        tally.degraded += 1
    elif result.outcome is Outcome.DOWN:
        tally.down += 1
    else:
        tally.unknown += 1
    if result.failure is None:
        _fold_latency(tally, result.connection, result.timings.total * 1_000)


def uptime(tallies: Iterable[Tally]) -> float | None:
    """The share of known outcomes that were not down, 0 to 1; None where nothing is known.

    Degraded is not downtime, and Milkrun's own trouble (`unknown`) is no evidence either way.
    """
    reached = down = 0
    for tally in tallies:
        reached += tally.up + tally.degraded
        down += tally.down
    return reached / (reached + down) if reached + down else None


def newest(one: Iterable[Tally], other: Iterable[Tally]) -> list[Tally]:
    """One endpoint's hours, in order, of two accounts of them: an hour only grows, so the fuller one is the newer."""
    hours: dict[int, Tally] = {}
    for tally in (*one, *other):
        known = hours.get(tally.hour)
        if known is None or counted(tally) >= counted(known):
            hours[tally.hour] = tally
    return [hours[hour] for hour in sorted(hours)]


def counted(tally: Tally) -> int:
    """How many outcomes a tally holds."""
    return tally.up + tally.degraded + tally.down + tally.unknown


def _fold_latency(tally: Tally, connection: Connection | None, latency: float) -> None:
    if connection is Connection.WARM:
        tally.warm += 1
        tally.warm_sum += latency
        if latency > tally.warm_max:
            tally.warm_max = latency
    elif connection is Connection.COLD:
        tally.cold += 1
        tally.cold_sum += latency
        if latency > tally.cold_max:
            tally.cold_max = latency
