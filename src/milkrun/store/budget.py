"""Makes room where the database is larger than it may be: results go first, then roll-ups, incidents last."""

import msgspec
from sqlalchemy import Connection

from milkrun.store import layers, partitions
from milkrun.store.database import Database
from milkrun.store.dialect import is_postgres

# Bytes given back in one bite, each page of which may first be moved.
BYTES = 4_000_000


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """A step towards the budget: results removed, free bytes to give back now, whether there is more to do."""

    removed: int = 0
    bytes: int = 0
    more: bool = False


def make_room(database: Database, connection: Connection, max_bytes: int) -> Reduction:
    """Free as many bytes as there are too many, if a bite is enough for that.

    What is free already goes first; what is free within the budget stays, for the next results.
    """
    total, free = database.room(connection)
    excess = total - max_bytes
    if is_postgres(connection):
        return Reduction(more=excess > 0 and _drop_oldest_day(connection))
    removed, emptied = 0, False
    if excess > free:
        removed, emptied = _remove_bite(connection)
        total, free = database.room(connection)
        excess = total - max_bytes
    now = max(0, min(excess, free, BYTES))
    return Reduction(removed=removed, bytes=now, more=excess > now and bool(emptied or now))


def _remove_bite(connection: Connection) -> tuple[int, bool]:
    """Remove the oldest bite of the least worthy layer that has any: results removed, and whether there was one."""
    for layer in layers.BY_WORTH:
        if layer.is_due(connection, layers.ALL):
            return layer.remove(connection), True
    return 0, False


def _drop_oldest_day(connection: Connection) -> bool:
    """Only a partition that is dropped gives room back at once: rows removed leave theirs to the vacuum."""
    days = {layer: partitions.oldest(connection, layer.table) for layer in (layers.CHUNKS, layers.RAW)}
    oldest = min((day for day in days.values() if day is not None), default=None)
    newest = layers.RAW.newest(connection)
    if oldest is None or newest is None or oldest + partitions.DAY > newest:
        return False
    dropped = [layer.drop(connection, oldest + partitions.DAY) for layer in days]
    return any(dropped)
