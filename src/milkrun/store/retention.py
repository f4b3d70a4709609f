"""Retention in bites: each small enough that no flush waits long for it."""

import msgspec
from sqlalchemy import Connection, Table, delete, func, select

from milkrun.store.dialect import sizes
from milkrun.store.facts import FactWriter
from milkrun.store.schema import result, tally

# Rows removed in one bite, some tens of milliseconds; pages given back in one, each of which may first be moved.
BITE = 5_000
PAGES = 1_000

# Shared facts removed in one bite.
FACTS = 1_000


def remove_aged(connection: Connection, facts: FactWriter, before: int) -> int:
    """Remove a bite of the results with slots below `before`; how many there were."""
    removed = _remove_oldest(connection, result, before)
    oldest = connection.scalar(select(func.min(result.c.slot)))
    facts.remove_unused(before if oldest is None else oldest, FACTS)
    return removed


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """A step towards the budget: results removed, free pages to give back now, whether there is more to do."""

    removed: int
    pages: int
    more: bool


def make_room(connection: Connection, max_bytes: int) -> Reduction:
    """Free as many pages as the file has too many, if a bite is enough for that.

    Pages that are free already go first. When they are too few, the oldest results make room; hours' tallies only
    when no result is left. What is free within the budget stays, for the next results.
    """
    removed = hours = 0
    excess, free = _excess(connection, max_bytes)
    if excess > free:
        removed = _remove_oldest(connection, result, None)
        hours = 0 if removed else _remove_oldest(connection, tally, None)
        excess, free = _excess(connection, max_bytes)
    pages = max(0, min(excess, free, PAGES))
    return Reduction(removed=removed, pages=pages, more=excess > pages and bool(removed or hours or pages))


def _excess(connection: Connection, max_bytes: int) -> tuple[int, int]:
    pages, free, size = sizes(connection)
    return pages - max_bytes // size, free


def _remove_oldest(connection: Connection, table: Table, before: int | None) -> int:
    time = next(iter(table.primary_key.columns))
    oldest = connection.scalar(select(func.min(time)))
    if oldest is None or (before is not None and oldest >= before):
        return 0
    end = connection.scalar(select(time).order_by(time).offset(BITE).limit(1))
    bounds = [bound for bound in (before, end) if bound is not None]
    condition = time < max(min(bounds), oldest + 1) if bounds else time.is_not(None)
    return connection.execute(delete(table).where(condition)).rowcount
