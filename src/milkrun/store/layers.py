"""The layers of history: rows of one kind in order of time, each of which can lose its oldest bite.

A bite is small enough that no flush waits long for it.
"""

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select, tuple_

from milkrun.core.rollup import Period
from milkrun.store import partitions, schema
from milkrun.store.packed import HOUR
from milkrun.store.progress import Mark, move, reached
from milkrun.store.rollups import CODES

# Rows removed in one bite, some milliseconds; of chunks, each of which is a page, fewer.
BITE = 1_000
CHUNK_BITE = 100
INCIDENT_BITE = 200

ALL = (1 << 62) - 1

# What lies before such a place in the order of time and endpoint is to be removed.
Place = tuple[int, int]


class Layer:
    """Rows of one table, those that `where` says, in order of `time` and endpoint. Each stands for `length` ms."""

    def __init__(self, table: Table, time: str, *where: ColumnElement[bool], bite: int = BITE, length: int = 1) -> None:
        self.table = table
        self.length = length
        self._time, self._endpoint = table.c[time], table.c.endpoint
        self._where = where
        self._bite = bite

    def oldest(self, connection: Connection) -> int | None:
        """The time of the oldest row."""
        time: int | None = connection.scalar(select(func.min(self._time)).where(*self._where))
        return time

    def newest(self, connection: Connection, *among: ColumnElement[bool]) -> int | None:
        """The time of the newest row, or of the newest among some."""
        time: int | None = connection.scalar(select(func.max(self._time)).where(*self._where, *among))
        return time

    def is_due(self, connection: Connection, before: int) -> bool:
        """Whether there is a row whose time is over before a time."""
        oldest = self.oldest(connection)
        return oldest is not None and oldest + self.length <= before

    def remove(self, connection: Connection, before: int = ALL) -> int:
        """Remove the oldest bite of what is over before a time, or of all; how many results that were."""
        self._remove(connection, self._earlier(self._end(connection, before)))
        return 0

    def _remove(self, connection: Connection, earlier: ColumnElement[bool]) -> None:
        connection.execute(delete(self.table).where(*self._where, earlier))

    def _end(self, connection: Connection, before: int) -> Place:
        """Where the bite ends."""
        rows = select(self._time, self._endpoint).where(*self._where).order_by(self._time, self._endpoint)
        last = connection.execute(rows.offset(self._bite).limit(1)).first()
        limit = (before - self.length + 1, 0)
        return limit if last is None else min(limit, (last[0], last[1]))

    def _earlier(self, place: Place) -> ColumnElement[bool]:
        time, endpoint = place
        within = or_(self._time < time, self._endpoint < endpoint)
        return and_(self._time <= time, within)


class ResultLayer(Layer):
    """Results, raw or packed. What is forgotten is marked.

    Late results of what is forgotten are not taken, for nobody could tell whether they are new: so the mark is at the
    end of five minutes, which are not counted anew from half of their results.
    """

    def __init__(self, table: Table, time: str, *, length: int, counted: ColumnElement[int], bite: int) -> None:
        super().__init__(table, time, bite=bite, length=length)
        self._counted = counted

    def remove(self, connection: Connection, before: int = ALL) -> int:
        """Remove the oldest bite; how many results that were."""
        earlier = self._earlier(self._end(connection, before))
        last, removed = connection.execute(select(func.max(self._time), self._counted).where(earlier)).one()
        if last is None:
            return 0
        self._remove(connection, earlier)
        forget(connection, last + self.length)
        return int(removed)

    def drop(self, connection: Connection, before: int) -> bool:
        """Drop the days of PostgreSQL's partitions that are over before a time; whether there were any."""
        # Not up to that time: a clock that was ahead for a while would have all that comes after it taken for too late.
        last = self.newest(connection, self._time < before - before % partitions.DAY)
        dropped = partitions.drop(connection, self.table, before=before)
        if dropped and last is not None:
            forget(connection, last + self.length)
        return bool(dropped)


class RollupLayer(Layer):
    """Roll-ups of one length, those alone that the next longer ones have been made of.

    Whole longer periods of them go, and late results of what is gone are not taken: to merge a longer one anew of what
    is left of it would lose the rest.
    """

    def __init__(self, period: Period, longer: Period, mark: Mark) -> None:
        super().__init__(schema.rollup, "start", schema.rollup.c.period == CODES[period], length=period.value)
        self._longer = longer
        self._mark = mark

    def is_due(self, connection: Connection, before: int) -> bool:
        """Whether there is a row that may go, and whose longer period is over before a time."""
        return super().is_due(connection, self._limit(connection, before))

    def remove(self, connection: Connection, before: int = ALL) -> int:
        """Remove the oldest bite; no results."""
        earlier = self._earlier(self._end(connection, self._limit(connection, before)))
        last = self.newest(connection, earlier)
        if last is not None:
            self._remove(connection, earlier)
            forget(connection, self._longer.end(last))
        return 0

    def _limit(self, connection: Connection, before: int) -> int:
        return min(self._longer.begin(before), reached(connection, self._mark))


class IncidentLayer(Layer):
    """Incidents that are over, with their timelines and evidence."""

    def _remove(self, connection: Connection, earlier: ColumnElement[bool]) -> None:
        own = schema.incident.c
        keys = select(own.endpoint, own.opened, own.kind).where(*self._where, earlier)
        for part in (schema.entry, schema.exhibit):
            its = tuple_(part.c.endpoint, part.c.opened, part.c.kind)
            connection.execute(delete(part).where(its.in_(keys)))
        super()._remove(connection, earlier)


def forget(connection: Connection, until: int) -> None:
    """Results with slots below `until` are no longer kept."""
    forgotten = Period.FIVE_MINUTES.end(until - 1)
    move(connection, Mark.FORGOTTEN, max(forgotten, reached(connection, Mark.FORGOTTEN)))


CHUNKS = ResultLayer(
    schema.chunk, "hour", length=HOUR, counted=func.coalesce(func.sum(schema.chunk.c.results), 0), bite=CHUNK_BITE
)
# Raw rows that are packed are no results any more.
_PACKED = select(schema.progress.c.reached).where(schema.progress.c.name == Mark.PACKED.value).scalar_subquery()
_UNPACKED = func.count().filter(schema.result.c.slot >= func.coalesce(_PACKED, 0))
RAW = ResultLayer(schema.result, "slot", length=1, counted=_UNPACKED, bite=BITE)
FIVE_MINUTES = RollupLayer(Period.FIVE_MINUTES, Period.HOUR, Mark.HOURS)
HOURS = RollupLayer(Period.HOUR, Period.DAY, Mark.DAYS)
DAYS = Layer(schema.rollup, "start", schema.rollup.c.period == CODES[Period.DAY], length=Period.DAY.value)
INCIDENTS = IncidentLayer(schema.incident, "opened", schema.incident.c.closed.is_not(None), bite=INCIDENT_BITE)

# Raw rows that are packed: to remove them is to forget nothing.
CLEARED = Layer(schema.result, "slot")

# What is given up for room, the first first.
BY_WORTH: tuple[Layer, ...] = (CHUNKS, RAW, FIVE_MINUTES, HOURS, DAYS, INCIDENTS)
