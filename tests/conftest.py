"""Fixtures that every tier shares."""

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Tests run on uvloop unless a module asks for both loops (see `both_loops`)."""
    return ("asyncio", {"use_uvloop": True})
