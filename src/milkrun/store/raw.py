"""Raw rows of hours that are not packed yet, in the caller's transaction.

The table is in the order of time and has no index by endpoint. One endpoint's rows are looked up slot by slot, for its
slots are known; many endpoints' rows are read as they stand, in time order.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, func, select

from milkrun.store import schema
from milkrun.store.beats import Beat, slots
from milkrun.store.columns import Line, line_of

# Slots looked up in one statement; rows fetched at a time.
LOOK_UPS = 400
FETCHED = 5_000

_result = schema.result.c

# Made once: to make it for each look-up costs more than the look-up.
_LOOK_UP = (
    select(schema.result)
    .where(_result.slot.in_(bindparam("due", expanding=True)), _result.endpoint == bindparam("of"))
    .order_by(_result.slot, _result.location, _result.attempt)
)


def lines(connection: Connection, endpoint: int, of: Iterable[Beat], since: int, until: int) -> list[Line]:
    """One endpoint's rows with slots from `since` to below `until`, oldest first."""
    oldest, newest = ends(connection, since, until)
    if oldest is None or newest is None:
        return []
    due = slots(connection, endpoint, of, oldest, newest + 1)
    found: list[Line] = []
    for start in range(0, len(due), LOOK_UPS):
        rows = connection.execute(_LOOK_UP, {"of": endpoint, "due": due[start : start + LOOK_UPS]}).all()
        found += [line_of(tuple(row)) for row in rows]
    return found


def backwards(
    connection: Connection, since: int, until: int, endpoints: Sequence[int] | None = None
) -> Iterator[list[Line]]:
    """The rows of these endpoints, or of all, in pieces, newest first."""
    statement = select(schema.result).where(_result.slot >= since, _result.slot < until)
    if endpoints is not None:
        statement = statement.where(_result.endpoint.in_(endpoints))
    statement = statement.order_by(*[column.desc() for column in schema.result.primary_key])
    with connection.execute(statement, execution_options={"yield_per": FETCHED}) as found:
        for part in found.partitions():
            yield [line_of(tuple(row)) for row in part]


def ends(connection: Connection, since: int, until: int) -> tuple[int | None, int | None]:
    """The oldest and the newest slot from `since` to below `until`: two looks at the table."""
    oldest = connection.scalar(select(func.min(_result.slot)).where(_result.slot >= since, _result.slot < until))
    newest = connection.scalar(select(func.max(_result.slot)).where(_result.slot >= since, _result.slot < until))
    return oldest, newest


def endpoints(connection: Connection, since: int, until: int) -> list[int]:
    """Which endpoints have rows with slots from `since` to below `until`, by their first one: it reads them all.

    So those next to each other have their rows on the same pages, beat for beat.
    """
    within = (_result.slot >= since, _result.slot < until)
    statement = select(_result.endpoint).where(*within).group_by(_result.endpoint).order_by(func.min(_result.slot))
    return list(connection.scalars(statement))
