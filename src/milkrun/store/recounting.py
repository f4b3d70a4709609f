"""Roll-ups counted anew from what is stored: how late results, and results that were lost, come out right.

A late result is not added to what was counted: its five minutes are counted again from all results there are, its
hour and day merged again from those. So it may come twice, or before or after any bite of upkeep, and counts once.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete

from milkrun.core.periods import Span
from milkrun.core.rollup import Period, Rollup, merge
from milkrun.store import history, rollups, schema
from milkrun.store.decoding import Decoder
from milkrun.store.locations import Locations
from milkrun.store.progress import Mark, marks, move

# What each length is merged from, and the mark below which it is there.
FINER = {Period.HOUR: Period.FIVE_MINUTES, Period.DAY: Period.HOUR}
MARKS = {Period.HOUR: Mark.HOURS, Period.DAY: Mark.DAYS}


class Recounter:
    """Counts in the writer's transactions."""

    def __init__(self, connection: Connection, decoder: Decoder, locations: Locations) -> None:
        self._connection = connection
        self._decoder = decoder
        self._locations = locations

    def late(self, identities: Iterable[tuple[int, int]]) -> None:
        """Count the periods anew that these (slot, endpoint) fall in: five minutes, and what is merged of them."""
        every = list(identities)
        for start, endpoint in sorted({(Period.FIVE_MINUTES.begin(slot), endpoint) for slot, endpoint in every}):
            counted = history.count_of(self._connection, self._decoder, start, endpoint)
            rollups.replace(self._connection, self._locations, (Period.FIVE_MINUTES, start, endpoint), counted)
        reached = marks(self._connection)
        for period, mark in MARKS.items():
            for start, endpoint in sorted({(period.begin(slot), endpoint) for slot, endpoint in every}):
                if start < reached[mark]:
                    self._merge(period, start, endpoint)

    def write(self, some: Iterable[Rollup]) -> None:
        """Write roll-ups of five minutes, each in the place of the one with its identity."""
        every = list(some)
        rollups.write(self._connection, self._locations, every)
        if every:
            self._set_back(min(rollup.start for rollup in every))

    def recount(self, starts: Iterable[int]) -> None:
        """Count all endpoints' five minutes anew that begin at these times, where their results are kept yet."""
        kept = marks(self._connection)[Mark.FORGOTTEN]
        for start in [start for start in starts if start >= kept]:
            own = schema.rollup.c
            self._connection.execute(delete(schema.rollup).where(own.period == 0, own.start == start))
            end = Period.FIVE_MINUTES.end(start)
            counted = history.count(self._connection, self._decoder, start, end)
            rollups.write(self._connection, self._locations, counted)
            self._set_back(start)

    def _merge(self, period: Period, start: int, endpoint: int) -> None:
        span = Span(FINER[period], start, start + period.value)
        finer = rollups.of_endpoint(self._connection, self._decoder, span, endpoint)
        rollups.replace(self._connection, self._locations, (period, start, endpoint), merged(period, finer))

    def _set_back(self, start: int) -> None:
        """What is merged of these five minutes already is merged again, a bite at a time."""
        reached = marks(self._connection)
        for period, mark in MARKS.items():
            if start < reached[mark]:
                move(self._connection, mark, period.begin(start))


def merged(period: Period, finer: Iterable[Rollup]) -> Iterator[Rollup]:
    """The roll-ups of a length that shorter ones make up."""
    found: dict[tuple[object, ...], Rollup] = {}
    for one in finer:
        key = (period.begin(one.start), one.endpoint, one.location, one.connection)
        if key not in found:
            found[key] = Rollup(
                period=period,
                start=period.begin(one.start),
                endpoint=one.endpoint,
                location=one.location,
                connection=one.connection,
            )
        merge(found[key], one)
    yield from found.values()
