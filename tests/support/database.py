"""A database looked at from outside, and the least that a store needs to be written to."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from milkrun.store.protocol import Store
from milkrun.store.sql import SqlStore
from tests.support.history import an_endpoint

ENDLESS = 1 << 50  # bytes: a budget that nothing reaches


def ask(path: Path, question: str) -> list[Any]:
    """The rows that answer a question in SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


async def one_endpoint(store: Store) -> int:
    """Register one; its id."""
    return (await store.register([an_endpoint()]))[0].id


async def registered(store: Store, count: int = 1) -> list[int]:
    """Register so many; their ids."""
    return [one.id for one in await store.register([an_endpoint(f"page-{number}") for number in range(count)])]


def store_of(store: SqlStore) -> Path | str:
    """Where a store is, as `open_store` takes it."""
    name = store._opened.database.name
    return Path(name) if name.endswith(".db") else str(store._opened.database.reading.url.set(drivername="postgresql"))


@contextmanager
def no_room(beyond: int = 0) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
