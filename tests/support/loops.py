"""Both event loops the client is correct on: `from … import both_loops as anyio_backend` runs a module on each."""

import pytest


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], name="anyio_backend")
def both_loops(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """anyio's choice of a backend, once with uvloop and once without."""
    return ("asyncio", {"use_uvloop": request.param})
