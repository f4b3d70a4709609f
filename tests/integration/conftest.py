"""A store on a real file, for the tests of what it holds and of what it survives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milkrun.store.sqlite import SqliteStore, open_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database will be, in a folder that is not there yet."""
    return tmp_path / "data" / "milkrun.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """An open store at `path` that waits only briefly for a lock."""
    opened = await open_sqlite(path, patience=0.05)
    yield opened
    await opened.close()
