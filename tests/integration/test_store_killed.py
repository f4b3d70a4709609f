"""The store under a process that is killed at any moment, on both databases: a flush is there whole or not at all."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from milkrun.core.rollup import Period
from milkrun.store.opening import open_store
from milkrun.store.sql import SqlStore
from tests.support.database import ask
from tests.support.history import START, an_endpoint
from tests.support.store_victim import ENDPOINTS, flush_of, incident_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_killed_process_loses_no_committed_flush_and_leaves_nothing_half_done(
    request: pytest.FixtureRequest, path: Path, database: str
) -> None:
    where = path if database == "sqlite" else request.getfixturevalue("postgres_url")
    plan = random.Random(20_261_123)  # noqa: S311 - a plan that can be repeated, no secret
    for _ in range(4):
        acknowledged = killed_after(where, flushes=plan.randrange(1, 40))
        store = await open_store(where)
        try:
            await check_wreck(store, acknowledged)
        finally:
            await store.close()
    if database == "sqlite":
        assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def killed_after(where: Path | str, *, flushes: int) -> int:
    """Kill a writing process once it has said so many flushes; the number of the last it said was committed."""
    command = [sys.executable, "-m", "tests.support.store_victim", str(where)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(flushes)]
        victim.kill()
        said += victim.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


async def check_wreck(store: SqlStore, acknowledged: int) -> None:
    newest = (await store.storage()).newest
    assert newest is not None
    number = newest - START
    assert number in {acknowledged, acknowledged + 1}
    endpoints = [one.id for one in await store.register([an_endpoint(str(index)) for index in range(ENDPOINTS)])]
    expected = flush_of(number, endpoints)
    assert [(await store.results(endpoint, limit=1))[0] for endpoint in endpoints] == list(expected.results)
    assert await store.states() == expected.states
    fives = await store.rollups(Period.FIVE_MINUTES, since=0)
    assert [five.up for five in fives] == list(range(number + 1))
    await check_incidents(store, number, endpoints)


async def check_incidents(store: SqlStore, number: int, endpoints: list[int]) -> None:
    """Every third flush opened one: the last may be open, and is what was told of; each has evidence and a message."""
    is_open = number % 3 == 1
    page = await store.incidents(limit=1_000)
    assert page.total == (number + 2) // 3
    assert [one.closed is None for one in page.items[:1]] == [is_open][: page.total]
    assert not any(one.closed is None for one in page.items[1:])
    for incident in page.items:
        case = await store.case(incident.key)
        assert case is not None
        assert case.exhibit is not None
        assert len(case.entries) == (1 if incident.closed is None else 2)
    assert list(await store.firings()) == ([(endpoints[0], "core")] if is_open else [])
    assert [channel.pending for channel in await store.channels()] == ([page.total] if page.total else [])
    if is_open:
        assert page.items[0] == incident_of(number, endpoints[0])
