"""Raw results read backwards from the newest, in windows of time.

The table is in time order and has no index by endpoint, so a search walks it. A window bounds what one step reads and
for how long its transaction holds the log back; windows widen as the walk goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select

from milkrun.core.result import Result
from milkrun.store import rows, schema
from milkrun.store.facts import FactReader, Remarks, Scene, decode_aside

FIRST_WINDOW = 60_000
WIDEST_WINDOW = 6 * 3_600_000

_result = schema.result.c

# Where in a row these stand.
ENDPOINT, LOCATION, SCENE, REMARKS, ASIDE = (
    list(schema.result.columns.keys()).index(name) for name in ("endpoint", "location", "scene", "remarks", "aside")
)


def windows(newest_below: Callable[[int], int | None], end: int, floor: int) -> Iterator[tuple[int, int]]:
    """Spans of slots, end exclusive, from `end` back to `floor`; times in which there is nothing are jumped over."""
    span = FIRST_WINDOW
    newest = newest_below(end)
    while newest is not None and newest >= floor:
        begin = max(newest + 1 - span, floor)
        yield begin, newest + 1
        span = min(2 * span, WIDEST_WINDOW)
        newest = newest_below(begin)


def newest_below(connection: Connection, end: int) -> int | None:
    """The newest slot below `end`: one look at the table's end."""
    newest: int | None = connection.scalar(select(func.max(_result.slot)).where(_result.slot < end))
    return newest


def first_slot(connection: Connection, identity: int) -> int | None:
    """The slot below which an endpoint has nothing; None when it has nothing at all. 0 for one never registered."""
    row = connection.execute(select(schema.endpoint.c.first).where(schema.endpoint.c.id == identity)).first()
    return row.first if row is not None else 0


def endpoints_with_results(connection: Connection) -> set[int]:
    """The ids of all that ever had a result."""
    return set(connection.scalars(select(schema.endpoint.c.id).where(schema.endpoint.c.first.is_not(None))))


def of_endpoint(window: tuple[int, int], endpoint: int, limit: int) -> Select[Any]:
    """One endpoint's rows in a window, newest first."""
    return _newest_first(window).where(_result.endpoint == endpoint).limit(limit)


def of_endpoints(window: tuple[int, int], endpoints: Sequence[int] | None) -> Select[Any]:
    """The rows in a window of these endpoints, or of all, newest first."""
    statement = _newest_first(window)
    return statement if endpoints is None else statement.where(_result.endpoint.in_(_ids(endpoints)))


def _newest_first(window: tuple[int, int]) -> Select[Any]:
    begin, end = window
    order = [column.desc() for column in schema.result.primary_key.columns]
    return select(schema.result).where(_result.slot >= begin, _result.slot < end).order_by(*order)


def _ids(endpoints: Sequence[int]) -> BindParameter[Sequence[int]]:
    # Written into the statement: fifty thousand are more than a statement may have parameters.
    return bindparam("ids", list(endpoints), expanding=True, literal_execute=True)


class Decoder:
    """Rows to Results, looking up what they refer to."""

    def __init__(self) -> None:
        self._facts = FactReader()
        self._locations: dict[int, str] = {}

    def decode(self, connection: Connection, found: Sequence[Row[Any]]) -> list[Result]:
        """The Results of these rows, in their order; in the transaction that read them."""
        scenes = self._facts.load(connection, {row[SCENE] for row in found}, Scene)
        remarks = self._facts.load(connection, {row[REMARKS] for row in found} - {None}, Remarks)
        locations = self._load_locations(connection, {row[LOCATION] for row in found})
        return [rows.decode(row, locations[row[LOCATION]], scenes[row[SCENE]], _remarks(row, remarks)) for row in found]

    def _load_locations(self, connection: Connection, identities: set[int]) -> dict[int, str]:
        if not identities <= self._locations.keys():
            table = schema.location.c
            self._locations = {row.id: row.name for row in connection.execute(select(table.id, table.name))}
        return self._locations


def _remarks(row: Row[Any], shared: dict[int, Remarks]) -> Remarks | None:
    if row[ASIDE] is not None:
        return decode_aside(row[ASIDE])
    return shared.get(row[REMARKS])
