"""The fewest roll-ups that make up a stretch of time."""

from collections.abc import Sequence

import msgspec

from milkrun.core.rollup import Period


class Span(msgspec.Struct, frozen=True, gc=False):
    """All periods of one length that start from `since` to below `until`, epoch ms."""

    period: Period
    since: int
    until: int


def cover(since: int, until: int, *, hours_until: int, days_until: int) -> list[Span]:
    """The fewest periods that together are the time from `since` to `until`, in order; all are epoch ms.

    Both are rounded down to five minutes. There are hours that end by `hours_until`, and days that end by `days_until`.
    """
    since, until = (Period.FIVE_MINUTES.begin(time) for time in (since, until))
    levels = ((Period.DAY, days_until), (Period.HOUR, hours_until), (Period.FIVE_MINUTES, until))
    return _cover(since, until, levels)


def _cover(since: int, until: int, levels: Sequence[tuple[Period, int]]) -> list[Span]:
    """The longest periods where they fit, the shorter ones before and after."""
    if since >= until:
        return []
    (period, limit), *finer = levels
    first, last = period.end(since - 1), period.begin(min(until, limit))
    if first >= last:
        return _cover(since, until, finer)
    return [*_cover(since, first, finer), Span(period, first, last), *_cover(last, until, finer)]
