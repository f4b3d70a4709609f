"""Roll-ups in memory: those written, and the longer ones made of them once they are over."""

from collections.abc import Iterable, Iterator

from msgspec import json

from milkrun.core.observation import Connection
from milkrun.core.periods import cover
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, merge, roll_up
from milkrun.core.tally import Tally

# What each length is made of.
_FINER = {Period.HOUR: Period.FIVE_MINUTES, Period.DAY: Period.HOUR}

Identity = tuple[int, int, str, Connection | None]


class MemoryRollups:
    """Every level by what a roll-up is of. What goes in and out is copied: a roll-up changes while it is counted."""

    def __init__(self) -> None:
        self._levels: dict[Period, dict[Identity, Rollup]] = {period: {} for period in Period}
        self._made_until = dict.fromkeys(_FINER, 0)

    def put(self, rollups: Iterable[Rollup]) -> None:
        """Keep roll-ups, each in the place of the one with its identity."""
        for rollup in rollups:
            self._levels[rollup.period][_identity(rollup)] = _copy(rollup)

    def count_late(self, result: Result) -> None:
        """Count a result whose five minutes are over, at every level that there is."""
        for period in Period:
            if period is Period.FIVE_MINUTES or period.end(result.slot) <= self._made_until[period]:
                self._merge(roll_up(period, [result]))

    def recount(self, start: int, results: Iterable[Result]) -> None:
        """Count five minutes anew, and what was made of them."""
        self._remove(Period.FIVE_MINUTES, start)
        self._merge(roll_up(Period.FIVE_MINUTES, results))
        for period in _FINER:
            if period.end(start) <= self._made_until[period]:
                self._make(period, period.begin(start))

    def make_longer(self, now: int) -> None:
        """Make the hours and days that are over by `now`, epoch ms."""
        for period, finer in _FINER.items():
            begun = {period.begin(rollup.start) for rollup in self._levels[finer].values()}
            for start in sorted(begun):
                if self._made_until[period] <= start and period.end(start) <= now:
                    self._make(period, start)
            self._made_until[period] = max(self._made_until[period], period.begin(now))

    def forget(self, period: Period, before: int) -> None:
        """Remove one level's roll-ups that ended before a time, epoch ms."""
        kept = {key: one for key, one in self._levels[period].items() if period.end(one.start) >= before}
        self._levels[period] = kept

    def find(self, period: Period, since: int, until: int | None, endpoint: int | None) -> list[Rollup]:
        """One level's roll-ups that start from `since` to below `until`, oldest first, of one endpoint or of all."""
        found = [
            _copy(one)
            for one in self._levels[period].values()
            if since <= one.start and (until is None or one.start < until) and endpoint in {None, one.endpoint}
        ]
        return sorted(found, key=_order)

    def window(self, endpoint: int, since: int, until: int) -> list[Rollup]:
        """The fewest roll-ups that together are a stretch of time."""
        hours, days = (self._made_until[period] for period in (Period.HOUR, Period.DAY))
        spans = cover(since, until, hours_until=hours, days_until=days)
        return [one for span in spans for one in self.find(span.period, span.since, span.until, endpoint)]

    def tallies(self, since: int, endpoint: int | None) -> list[Tally]:
        """Hours' counts, oldest first; those of hours that are not made yet from what they will be made of."""
        found: dict[tuple[int, int], Tally] = {}
        for rollup in self._counting(since, endpoint):
            hour = Period.HOUR.begin(rollup.start)
            whose = found.setdefault((hour, rollup.endpoint), Tally(endpoint=rollup.endpoint, hour=hour))
            _count(whose, rollup)
        return [tally for _, tally in sorted(found.items())]

    def _counting(self, since: int, endpoint: int | None) -> Iterator[Rollup]:
        made = self.find(Period.HOUR, since, None, endpoint)
        whole = {one.start for one in made}
        yield from made
        for one in self.find(Period.FIVE_MINUTES, since, None, endpoint):
            if Period.HOUR.begin(one.start) not in whole:
                yield one

    def _make(self, period: Period, start: int) -> None:
        self._remove(period, start)
        for one in self.find(_FINER[period], start, period.end(start), None):
            one.period, one.start = period, start
            self._merge([one])

    def _merge(self, rollups: Iterable[Rollup]) -> None:
        for rollup in rollups:
            known = self._levels[rollup.period].get(_identity(rollup))
            if known is None:
                self._levels[rollup.period][_identity(rollup)] = rollup
            else:
                merge(known, rollup)

    def _remove(self, period: Period, start: int) -> None:
        for key in [key for key in self._levels[period] if key[0] == start]:
            del self._levels[period][key]


def _identity(rollup: Rollup) -> Identity:
    return rollup.start, rollup.endpoint, rollup.location, rollup.connection


def _order(rollup: Rollup) -> tuple[int, int, str, str]:
    return rollup.start, rollup.endpoint, rollup.location, rollup.connection.value if rollup.connection else ""


def _copy(rollup: Rollup) -> Rollup:
    return json.decode(json.encode(rollup), type=Rollup)


def _count(tally: Tally, rollup: Rollup) -> None:
    tally.up += rollup.up
    tally.degraded += rollup.degraded
    tally.down += rollup.down
    tally.unknown += rollup.unknown
    total = rollup.phases.get("total")
    if total is not None and rollup.connection is Connection.WARM:
        tally.warm, tally.warm_sum = tally.warm + total.count, tally.warm_sum + total.sum / 1e3
        tally.warm_max = max(tally.warm_max, total.max / 1e3)
    elif total is not None and rollup.connection is Connection.COLD:
        tally.cold, tally.cold_sum = tally.cold + total.count, tally.cold_sum + total.sum / 1e3
        tally.cold_max = max(tally.cold_max, total.max / 1e3)
