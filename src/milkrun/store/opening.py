"""Which database a store is kept in: a file of SQLite's by its path, PostgreSQL by its URL."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from milkrun.config.settings import POSTGRES_SCHEMES, Settings
from milkrun.store.database import Database
from milkrun.store.postgres import PostgresDatabase
from milkrun.store.protocol import StoreError
from milkrun.store.sql import SqlStore
from milkrun.store.sqlite import SqliteDatabase
from milkrun.store.threads import Opened

# SQLite's file in the data directory.
FILE = "milkrun.db"


def database_of(settings: Settings) -> Path | str:
    """Where the settings say history is kept, as `open_store` takes it."""
    database = settings.storage.database
    return Path(settings.data) / FILE if database is None else database.url


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
    if where.startswith(POSTGRES_SCHEMES):
        return PostgresDatabase(where, patience=patience, read_only=read_only)
    # Not shown: there may be a password in it.
    raise StoreError("expected a database as postgresql://user:password@host/name; SQLite's is the data directory's")
