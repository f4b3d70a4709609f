"""Fixtures that every tier shares, and how hypothesis searches."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import the_server

# The same examples each time, so that what passed once does not fail for another reason than a change; a slow machine
# is no counterexample. `make fuzz` and `make model` are there to find new ones.
settings.register_profile(
    "steady",
    derandomize="MILKRUN_MODEL_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")

# In the background of a shell script interrupts are ignored: the commands that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Tests run on uvloop unless a module asks for both loops (see `both_loops`)."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty database on a real PostgreSQL."""
    server = the_server()
    url = server.new_database()
    yield url
    server.drop(url)
