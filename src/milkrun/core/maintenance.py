"""Maintenance windows: when what a check comes to counts for nothing but the record.

A window repeats by wall time in a zone, and lasts for elapsed time: an hour is an hour in the night in which the clocks
change. A start that the clocks skip in spring is at the same distance from midnight as ever; one that they pass twice
in autumn is the first of the two, once.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TypeAlias

import msgspec
from cronsim import CronSim
from dateutil.rrule import rrule, rruleset, rrulestr

DAY_MS = 86_400_000
# How far ahead a window that never begins is looked at again (ms).
_FAR = 366 * DAY_MS
# Wall times are looked at from so long before, because the clocks may have been moved in between.
_MARGIN = timedelta(days=1)
# Beyond these, wall times of some zones leave what a datetime can say.
_EARLIEST, _LATEST = DAY_MS, 250_000_000 * 1_000_000


class OneOff(msgspec.Struct, frozen=True, kw_only=True):
    """Once: from `begins` to before `begins + duration`, epoch ms and ms."""

    begins: int
    duration: int

    def next_start(self, after: int) -> int | None:
        """The first start after `after`, epoch ms; None where there is none."""
        return self.begins if self.begins > after else None


class Weekly(msgspec.Struct, frozen=True, kw_only=True):
    """Every week on `days` (0 is Monday) at `start`, for `duration` ms."""

    start: time
    duration: int
    zone: tzinfo
    days: frozenset[int] = frozenset(range(7))

    def next_start(self, after: int) -> int | None:
        """The first start after `after`, epoch ms."""
        return min(start for start in self._starts(_wall(after, self.zone).date()) if start > after)

    def _starts(self, day: date) -> Iterator[int]:
        for number in range(-1, 15):
            each = day + timedelta(days=number)
            if each.weekday() in self.days:
                yield _instant(datetime.combine(each, self.start), self.zone)


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """At each time of a cron expression, for `duration` ms. The clocks' changes are treated as Debian's cron does."""

    expression: str
    duration: int
    zone: tzinfo

    def next_start(self, after: int) -> int | None:
        """The first start after `after`, epoch ms; None where there is none in fifty years."""
        found = next(CronSim(self.expression, datetime.fromtimestamp(after / 1_000, self.zone)), None)
        return None if found is None else round(found.timestamp() * 1_000)


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """By an RRULE (RFC 5545, 3.3.10) from the wall time `start` on, for `duration` ms."""

    rule: str
    start: datetime
    duration: int
    zone: tzinfo

    def next_start(self, after: int) -> int | None:
        """The first start after `after`, epoch ms; None where there is none."""
        walls = recurrence(self.rule, self.start).xafter(_wall(after, self.zone) - _MARGIN, inc=True)
        return next((start for start in (_instant(wall, self.zone) for wall in walls) if start > after), None)


Window: TypeAlias = OneOff | Weekly | Cron | Recurring


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """From `since` to before `until` (epoch ms) it is maintenance throughout, or never."""

    since: int
    until: int
    on: bool


def stretch(window: Window, at: int) -> Stretch:
    """How things are at `at`, and until when they certainly stay so."""
    at = min(max(at, _EARLIEST + window.duration), _LATEST)
    first = window.next_start(at - window.duration)
    if first is None:
        return Stretch(at, at + _FAR, False)
    return Stretch(first, first + window.duration, True) if first <= at else Stretch(at, first, False)


class Calendar:
    """Several windows together, asked again and again with times that mostly grow: that costs two comparisons."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._known = Stretch(0, 0, False)

    def covers(self, slot: int) -> bool:
        """Whether a slot (epoch ms) falls in one of the windows."""
        known = self._known
        if not known.since <= slot < known.until:
            known = self._known = self._look(slot)
        return known.on

    def _look(self, slot: int) -> Stretch:
        stretches = [stretch(window, slot) for window in self._windows]
        covering = [each for each in stretches if each.on]
        if covering:
            return max(covering, key=_until)
        return Stretch(slot, min((each.until for each in stretches), default=slot + _FAR), False)


@lru_cache(maxsize=1_000)
def recurrence(rule: str, start: datetime) -> rrule | rruleset:
    """The rule, read; it remembers its dates. Raises ValueError for one that cannot be read."""
    return rrulestr(rule, dtstart=start, cache=True)


def _until(each: Stretch) -> int:
    return each.until


def _wall(at: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at / 1_000, UTC).astimezone(zone).replace(tzinfo=None)


def _instant(wall: datetime, zone: tzinfo) -> int:
    return round(wall.replace(tzinfo=zone).timestamp() * 1_000)
