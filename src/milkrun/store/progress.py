"""How far work that goes on in bites has come: watermarks, epoch milliseconds. What lies below one is done."""

from enum import StrEnum

from sqlalchemy import Connection, select

from milkrun.store import schema
from milkrun.store.dialect import put


class Mark(StrEnum):
    """What is done below a mark.

    PACKED: results are in chunks, and whatever raw rows there are left mean nothing. HOURS and DAYS: roll-ups of that
    length are there. FORGOTTEN: results are no longer kept.
    """

    PACKED = "packed"
    HOURS = "hours"
    DAYS = "days"
    FORGOTTEN = "forgotten"


_progress = schema.progress.c


def reached(connection: Connection, mark: Mark) -> int:
    """Where a mark stands; 0 before it was ever moved."""
    found: int | None = connection.scalar(select(_progress.reached).where(_progress.name == mark.value))
    return found or 0


def marks(connection: Connection) -> dict[Mark, int]:
    """Where every mark stands."""
    found = {row.name: row.reached for row in connection.execute(select(_progress.name, _progress.reached))}
    return {mark: found.get(mark.value, 0) for mark in Mark}


def move(connection: Connection, mark: Mark, to: int) -> None:
    """Set a mark, forward or back."""
    put(connection, schema.progress, [(mark.value, to)])
