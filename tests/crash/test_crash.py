"""The short form of `make crash`: ten kills on SQLite."""

import pytest

from tests.crash.campaign import Size, on_sqlite

# Fixed, so that every run of the suite has the same outages; `make crash` takes a new one each time.
SEED = 20


@pytest.mark.slow
async def test_ten_kills_lose_no_incident_no_message_and_no_count() -> None:
    verdict = await on_sqlite(Size(rounds=10, endpoints=100, seed=SEED, grace=0.5))
    assert verdict.faults == ()
    assert verdict.outages > 40  # a slow machine sees fewer in as many rounds
    assert verdict.letters >= 2 * verdict.outages
