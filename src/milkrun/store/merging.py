"""Merges roll-ups: hours from five minutes, days from hours, once they are over."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete

from milkrun.core.periods import Span
from milkrun.core.rollup import Period, Rollup
from milkrun.store import rollups, schema
from milkrun.store.decoding import Decoder
from milkrun.store.locations import Locations
from milkrun.store.progress import Mark, reached
from milkrun.store.recounting import FINER, MARKS, merged

# Five minutes are written a minute after their end; an hour waits so long (ms) for a store that was away.
SETTLING = 180_000


class Merging:
    """A Job; see there: roll-ups of one length."""

    bite = 50

    def __init__(self, period: Period, locations: Locations) -> None:
        self.mark = MARKS[period]
        self.length = period.value
        self._period = period
        self._locations = locations
        self._decoder = Decoder()  # the reader's side

    def next_start(self, connection: Connection, now: int, done: int) -> int | None:
        """The oldest period that there are shorter roll-ups of, if all of those are there."""
        oldest = rollups.oldest(connection, FINER[self._period], done)
        if oldest is None:
            return None
        start = self._period.begin(oldest)
        there = now - SETTLING if self._period is Period.HOUR else reached(connection, Mark.HOURS)
        return start if start + self.length <= there else None

    def endpoints(self, connection: Connection, start: int) -> list[int]:
        """Whoever has a shorter roll-up in it."""
        return rollups.endpoints(connection, self._span(start))

    def work(self, connection: Connection, start: int, endpoints: Sequence[int]) -> dict[int, list[Rollup]]:
        """Their roll-ups of this length."""
        found: dict[int, list[Rollup]] = {endpoint: [] for endpoint in endpoints}
        finer = rollups.of_endpoints(connection, self._decoder, self._span(start), endpoints)
        for rollup in merged(self._period, finer):
            found[rollup.endpoint].append(rollup)
        return found

    def put(self, connection: Connection, start: int, work: Mapping[int, list[Rollup]]) -> None:
        """Write them in the place of what was there."""
        own = schema.rollup.c
        same = (own.period == rollups.CODES[self._period], own.start == start, own.endpoint.in_(list(work)))
        connection.execute(delete(schema.rollup).where(*same))
        rollups.write(connection, self._locations, [rollup for found in work.values() for rollup in found])

    def _span(self, start: int) -> Span:
        return Span(FINER[self._period], start, start + self.length)
