"""That two workers never have one channel, asked of each database with several connections at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from milkrun.core.incident import IncidentKey
from milkrun.store.opening import open_database, open_store
from milkrun.store.outbox_claims import claim, next_due, put_off
from milkrun.store.protocol import Batch
from tests.contract.conftest import DATABASES, where
from tests.support.alerts import a_message
from tests.support.history import START

WORKERS = 6
ROUNDS = 10


@pytest.fixture(params=DATABASES)
async def database(request: pytest.FixtureRequest) -> Path | str:
    """A database with a message for `ops`, that no process holds."""
    place = where(request, request.param)
    store = await open_store(place)
    await store.configure({"ops": "first"}, now=START)
    await store.write(Batch(messages=[a_message(incident=IncidentKey(number, START)) for number in range(1, 4)]))
    await store.close()
    return place


class Rival:
    """A worker with a connection of its own, for one thread."""

    def __init__(self, place: Path | str, start: threading.Barrier) -> None:
        self._database = open_database(place, patience=10.0, read_only=True)
        self._start = start

    def race(self) -> int:
        """Claim as often as there are rounds, all at the same moments; how often it was this one."""
        won = 0
        with self._database.writing.connect() as connection:
            for turn in range(ROUNDS):
                self._start.wait(30.0)
                with connection.begin():
                    mine = claim(connection, "ops", now=START, lease=60_000, limit=9)
                self._start.wait(30.0)
                if mine is not None:
                    won += 1
                    assert len(mine.messages) == 3, turn
                    with connection.begin():
                        put_off(connection, mine, None, until=START, stale=None)
        return won

    def close(self) -> None:
        self._database.release()


async def test_of_workers_that_claim_at_once_one_has_everything_and_the_others_nothing(database: Path | str) -> None:
    start = threading.Barrier(WORKERS)
    rivals = [Rival(database, start) for _ in range(WORKERS)]
    try:
        with ThreadPoolExecutor(WORKERS) as threads:
            won = list(threads.map(Rival.race, rivals))
    finally:
        for rival in rivals:
            rival.close()
    assert sum(won) == ROUNDS
    watching = open_database(database, patience=10.0, read_only=True)
    with watching.reading.connect() as connection:
        assert next_due(connection, "ops") == START
    watching.release()
