"""When a message is due: delay, grouping, digest, quiet hours. Epoch milliseconds in and out; no I/O.

Wall times are those of a zone. One that a change of the clocks leaves out comes as long after the change as it would
have; of one that comes twice the first counts.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from milkrun.core.alert import Digest, QuietHours, Route
from milkrun.core.incident import Severity

_DAY = timedelta(days=1)


def due(route: Route, severity: Severity, earliest: int) -> int:
    """When a message that may go from `earliest` on goes: with the next digest, and not in quiet hours."""
    gathered = earliest if route.digest is None else next_digest(route.digest, earliest)
    return gathered if route.quiet is None else after_quiet(route.quiet, severity, gathered)


def after_quiet(quiet: QuietHours, severity: Severity, at: int) -> int:
    """`at`, or the end of the quiet hours that it falls into."""
    if severity in quiet.save or _milliseconds(quiet.begins) == _milliseconds(quiet.ends):
        return at
    # They may follow upon each other where the clocks change, but never without an end.
    while (end := _quiet_until(quiet, at)) is not None:
        at = end
    return at


def next_digest(digest: Digest, at: int) -> int:
    """The first digest that is not before `at`."""
    if digest.every is not None:
        return -(-at // digest.every) * digest.every
    if digest.at is None:
        return at
    zone = digest.zone or UTC
    day = _day(at, zone)
    today = _instant(day, digest.at, zone)
    return today if today >= at else _instant(day + _DAY, digest.at, zone)


def _quiet_until(quiet: QuietHours, at: int) -> int | None:
    """The end of the quiet hours at `at`; those of the day before may last into this one."""
    today = _day(at, quiet.zone)
    for day in (today - _DAY, today):
        last = day + _DAY if quiet.begins > quiet.ends else day
        begins, ends = _instant(day, quiet.begins, quiet.zone), _instant(last, quiet.ends, quiet.zone)
        if day.weekday() in quiet.days and begins <= at < ends:
            return ends
    return None


def _milliseconds(wall: time) -> int:
    return ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1_000 + wall.microsecond // 1_000


def _day(at: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at / 1_000, zone).date()


def _instant(day: date, wall: time, zone: tzinfo) -> int:
    return int(datetime.combine(day, wall, zone).timestamp() * 1_000)
