"""The table of chunks: an endpoint's hours, each read and replaced whole, in the caller's transaction."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, func, select

from milkrun.core.rollup import Period
from milkrun.store import schema
from milkrun.store.chunk import pack, unpack
from milkrun.store.columns import Columns, Line, columns_of, merged
from milkrun.store.dialect import put

HOUR = Period.HOUR.value

# Hours looked up in one statement.
LOOK_UPS = 400

_chunk = schema.chunk.c
_LOOK_UP = (
    select(_chunk.content)
    .where(_chunk.hour.in_(bindparam("hours", expanding=True)), _chunk.endpoint == bindparam("of"))
    .order_by(_chunk.hour)
)


def hours(connection: Connection, endpoint: int, since: int, until: int) -> list[Columns]:
    """One endpoint's chunks of the hours that reach into the time from `since` to below `until`, oldest first."""
    found: list[Columns] = []
    wanted = _hours(connection, since, until)
    for start in range(0, len(wanted), LOOK_UPS):
        bite = list(wanted[start : start + LOOK_UPS])
        chunks = connection.scalars(_LOOK_UP, {"of": endpoint, "hours": bite}).all()
        found += [unpack(content, endpoint) for content in chunks]
    return found


def of_hour(connection: Connection, hour: int, wanted: Sequence[int]) -> Iterator[Columns]:
    """The chunks that these endpoints have of an hour."""
    for start in range(0, len(wanted), LOOK_UPS):
        bite = wanted[start : start + LOOK_UPS]
        chunks = select(_chunk.endpoint, _chunk.content).where(_chunk.hour == hour, _chunk.endpoint.in_(bite))
        for endpoint, content in connection.execute(chunks):
            yield unpack(content, endpoint)


def endpoints(connection: Connection, hour: int) -> list[int]:
    """Which endpoints have a chunk of an hour."""
    return list(connection.scalars(select(_chunk.endpoint).where(_chunk.hour == hour).order_by(_chunk.endpoint)))


def oldest(connection: Connection) -> int | None:
    """The oldest hour there is."""
    hour: int | None = connection.scalar(select(func.min(_chunk.hour)))
    return hour


def newest_below(connection: Connection, time: int) -> int | None:
    """The newest hour that began before a time."""
    hour: int | None = connection.scalar(select(func.max(_chunk.hour)).where(_chunk.hour < time))
    return hour


def merge(connection: Connection, lines: Iterable[Line]) -> None:
    """Put late rows into the chunks of their hours; rows that are there already change nothing."""
    late: dict[tuple[int, int], list[Line]] = {}
    for line in lines:
        late.setdefault((Period.HOUR.begin(line[0]), line[1]), []).append(line)
    changed = []
    for (hour, endpoint), more in late.items():
        there = [line for columns in of_hour(connection, hour, [endpoint]) for line in columns.lines()]
        together = merged(there, more)
        if len(together) > len(there):
            changed.append((hour, endpoint, len(together), pack(columns_of(together))))
    put(connection, schema.chunk, changed)


def _hours(connection: Connection, since: int, until: int) -> range:
    first, last = oldest(connection), newest_below(connection, until)
    if first is None or last is None:
        return range(0)
    return range(max(first, Period.HOUR.begin(since)), last + 1, HOUR)
