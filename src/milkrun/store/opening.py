"""Which database a store is kept in: a file of SQLite's by its path, PostgreSQL by its URL."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from milkrun.store.database import Database
from milkrun.store.postgres import PostgresDatabase
from milkrun.store.protocol import StoreError
from milkrun.store.sql import SqlStore
from milkrun.store.sqlite import SqliteDatabase
from milkrun.store.threads import Opened

POSTGRES = ("postgresql://", "postgres://")


async def open_store(where: Path | str, *, patience: float = 2.0, read_only: bool = False) -> SqlStore:
    """Open a database, making a file and its directory when missing and bringing its tables up to date.

    `where` is a path, or a URL of PostgreSQL's. `patience` is how many seconds a verb waits for another program's lock
    before it fails. With `read_only` it may be in use by another Milkrun, and verbs that write refuse.

    Raises:
        StoreError: it cannot be used; the message names the database and says what to do.
    """
    writing = ThreadPoolExecutor(1, "store-writer")
    database = partial(open_database, where, patience=patience, read_only=read_only)
    opening = partial(Opened, database, read_only=read_only)
    try:
        opened = await asyncio.get_running_loop().run_in_executor(writing, opening)
    except BaseException:
        writing.shutdown(wait=False)
        raise
    return SqlStore(opened, writing)


def open_database(where: Path | str, *, patience: float, read_only: bool = False) -> Database:
    """Open the database itself; see `open_store`. It is for the thread that calls."""
    if isinstance(where, Path):
        return SqliteDatabase(where, patience=patience, read_only=read_only)
    if where.startswith(POSTGRES):
        return PostgresDatabase(where, patience=patience, read_only=read_only)
    scheme, _, _ = where.partition("://")
    raise StoreError(f"expected a database as postgresql://user@host/name, not {scheme}://…: leave it out for SQLite")
