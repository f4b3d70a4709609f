"""Gives room that deleted rows left back to the file system, in bites that the server, which goes on, hardly feels.

From outside the server: SQLite's lock is held for one bite of some milliseconds, and left alone in between for as long
as a flush may need; PostgreSQL's VACUUM disturbs nobody.
"""

from pathlib import Path

import msgspec

from milkrun.store.database import Database
from milkrun.store.migrate import check
from milkrun.store.opening import open_database

PATIENCE = 10.0  # seconds

# Bytes given back in one bite, and seconds in which others have the lock to themselves.
BITE = 1_000_000
PAUSE = 0.02


class Vacuumed(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the database before and after."""

    before: int
    after: int


def vacuum(where: Path | str) -> Vacuumed:
    """Give back what is free of a database, which may be in use.

    Raises:
        StoreError: the database cannot be used, or another process holds it locked for long.
    """
    database = open_database(where, patience=PATIENCE, read_only=True)
    try:
        with database.translated():
            return _vacuum(database)
    finally:
        database.release()


def _vacuum(database: Database) -> Vacuumed:
    with database.reading.connect() as connection:
        check(connection, database.name, older=True)
        with connection.begin():
            before = database.on_disk(connection)
    database.vacuum(BITE, pause=PAUSE)
    with database.reading.connect() as connection, connection.begin():
        return Vacuumed(before=before, after=database.on_disk(connection))
