"""A store on a real file, for the tests of what it holds and of what it survives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milkrun.store.opening import open_store
from milkrun.store.sql import SqlStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database will be, in a folder that is not there yet."""
    return tmp_path / "data" / "milkrun.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    """An open store at `path` that waits only briefly for a lock."""
    opened = await open_store(path, patience=0.05)
    yield opened
    await opened.close()
