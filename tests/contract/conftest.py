"""Every implementation of a store: in memory, and over SQL in a file and on a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milkrun.store.memory import MemoryStore
from milkrun.store.opening import open_store
from milkrun.store.protocol import Store
from milkrun.store.sql import SqlStore
from tests.support.history import START

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=["memory", *DATABASES])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store of each implementation."""
    opened: Store = MemoryStore() if request.param == "memory" else await open_store(where(request, request.param))
    yield opened
    await opened.close()


@pytest.fixture(params=DATABASES)
async def sql_store(request: pytest.FixtureRequest) -> AsyncIterator[SqlStore]:
    """An empty store over each database: for what a store in memory does not do."""
    opened = await open_store(where(request, request.param))
    yield opened
    await opened.close()


@pytest.fixture
async def outbox(sql_store: SqlStore) -> SqlStore:
    """An empty store over each database that knows two channels."""
    await sql_store.configure({"ops": "first", "pager": "first"}, now=START)
    return sql_store


def where(request: pytest.FixtureRequest, database: str) -> Path | str:
    """Where an empty database of a kind is."""
    if database == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return folder / "milkrun.db"
    url: str = request.getfixturevalue("postgres_url")
    return url
