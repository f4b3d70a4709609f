"""One small change beside a Milkrun that may be running on the same database, whose lock is not asked for.

For tables alone of which nobody remembers anything between transactions: those of the outbox.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from milkrun.store.migrate import check
from milkrun.store.opening import open_database

T = TypeVar("T")

# Seconds to wait for the other process's transactions.
PATIENCE = 10.0


def aside(where: Path | str, job: Callable[[Connection], T]) -> T:
    """Run a job in a transaction of its own. Raises StoreError where the database cannot be used."""
    database = open_database(where, patience=PATIENCE, read_only=True)
    try:
        with database.translated(), database.writing.connect() as connection:
            check(connection, database.name, older=False)
            with connection.begin():
                return job(connection)
    finally:
        database.release()
