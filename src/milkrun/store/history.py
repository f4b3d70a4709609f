"""Results read again: packed hours from chunks, the others from raw rows, as one. In the caller's transaction.

What is below the mark PACKED is in chunks alone, whatever raw rows are still waiting there to be removed. So a result
is found once at any moment, wherever packing stands.
"""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, func, select

from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.store import counting, packed, raw, schema
from milkrun.store.beats import beats
from milkrun.store.columns import columns_of, within
from milkrun.store.decoding import Decoder
from milkrun.store.packed import HOUR
from milkrun.store.progress import Mark, reached

# How far a search backwards looks first, and at most, in one step.
FIRST_WINDOW = 60_000
WIDEST_WINDOW = 24 * HOUR

END_OF_TIME = (1 << 63) - 1

_endpoint, _result = schema.endpoint.c, schema.result.c


def stretch(connection: Connection, decoder: Decoder, endpoint: int, since: int, until: int) -> list[Result]:
    """One endpoint's results with slots from `since` to below `until`, oldest first."""
    mark = reached(connection, Mark.PACKED)
    found: list[Result] = []
    for columns in packed.hours(connection, endpoint, since, min(until, mark)):
        found += decoder.results(connection, within(columns, since, until))
    return found + _raw(connection, decoder, endpoint, max(since, mark), until)


def results(connection: Connection, decoder: Decoder, endpoint: int, limit: int, before: int | None) -> list[Result]:
    """One endpoint's newest results with slots below `before`, newest first."""
    floor = first_slot(connection, endpoint)
    found: list[Result] = []
    if floor is None or limit <= 0:
        return found
    newest = _newest_below(connection)
    for since, until in windows(newest, END_OF_TIME if before is None else before, floor):
        found += stretch(connection, decoder, endpoint, since, until)[::-1]
        if len(found) >= limit:
            break
    return found[:limit]


def windows(newest_below: Callable[[int], int | None], end: int, floor: int) -> Iterator[tuple[int, int]]:
    """Spans of slots, end exclusive, from `end` back to `floor`; times in which there is nothing are jumped over."""
    span = FIRST_WINDOW
    newest = newest_below(end)
    while newest is not None and newest >= floor:
        begin = max(newest + 1 - span, floor)
        yield begin, newest + 1
        span = min(2 * span, WIDEST_WINDOW)
        newest = newest_below(begin)


def endpoints(connection: Connection, since: int, until: int) -> list[int]:
    """Which endpoints have results in a part of an hour; some may have theirs in the rest of it."""
    if since < reached(connection, Mark.PACKED):
        return packed.endpoints(connection, Period.HOUR.begin(since))
    return raw.endpoints(connection, since, until)


def count(connection: Connection, decoder: Decoder, since: int, until: int = END_OF_TIME) -> list[Rollup]:
    """Count all results with slots from `since` to below `until` by five minutes, by the last attempt of every slot."""
    mark = reached(connection, Mark.PACKED)
    there = roll_up(Period.FIVE_MINUTES, _last_attempts(_packed(connection, decoder, since, min(until, mark))))
    return there + counting.count(connection, decoder, max(since, mark), until)


def count_of(connection: Connection, decoder: Decoder, start: int, endpoint: int) -> list[Rollup]:
    """Count one endpoint's results of the five minutes that begin at `start`."""
    found = stretch(connection, decoder, endpoint, start, Period.FIVE_MINUTES.end(start))
    return roll_up(Period.FIVE_MINUTES, _last_attempts(found))


def first_slot(connection: Connection, identity: int) -> int | None:
    """The slot below which an endpoint has nothing; None when it has nothing at all. 0 for one never registered."""
    row = connection.execute(select(_endpoint.first).where(_endpoint.id == identity)).first()
    return row.first if row is not None else 0


def span(connection: Connection) -> tuple[int | None, int | None]:
    """The oldest and the newest slot; of packed results, the beginning of the oldest hour."""
    mark = reached(connection, Mark.PACKED)
    oldest_raw = connection.scalar(select(func.min(_result.slot)).where(_result.slot >= mark))
    starts = [start for start in (packed.oldest(connection), oldest_raw) if start is not None]
    newest = connection.scalar(select(func.max(_result.slot)))
    return min(starts, default=None), newest if starts else None


def _raw(connection: Connection, decoder: Decoder, endpoint: int, since: int, until: int) -> list[Result]:
    if since >= until:
        return []
    of = beats(connection, [endpoint]).get(endpoint, ())
    return decoder.results(connection, columns_of(raw.lines(connection, endpoint, of, since, until)))


def _newest_below(connection: Connection) -> Callable[[int], int | None]:
    """Asks for a slot of anybody's at or above the newest one that is below a time."""
    mark = reached(connection, Mark.PACKED)

    def ask(end: int) -> int | None:
        newest: int | None = connection.scalar(
            select(func.max(_result.slot)).where(_result.slot >= mark, _result.slot < end)
        )
        if newest is not None:
            return newest
        hour = packed.newest_below(connection, end)
        return None if hour is None else min(hour + HOUR, end) - 1

    return ask


def _packed(connection: Connection, decoder: Decoder, since: int, until: int) -> Iterator[Result]:
    for hour in range(Period.HOUR.begin(since), until, HOUR):
        for columns in packed.of_hour(connection, hour, packed.endpoints(connection, hour)):
            yield from decoder.results(connection, within(columns, since, until))


def _last_attempts(found: Iterator[Result] | Sequence[Result]) -> Iterator[Result]:
    """Attempts at one slot follow each other."""
    before: Result | None = None
    for result in found:
        if before is not None and (before.slot, before.endpoint, before.location) != (
            result.slot,
            result.endpoint,
            result.location,
        ):
            yield before
        before = result
    if before is not None:
        yield before
