"""From every earlier version's database to this one's, on both databases, with all that was in it."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from milkrun.core.rollup import Period
from milkrun.core.tally import HOUR
from milkrun.store import schema
from milkrun.store.migrate import NEWEST, step_up
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, StoreError
from tests.support import first_database as first
from tests.support.database import registered
from tests.support.first_database import connected, write_first
from tests.support.history import START, a_result

ROOT = Path(__file__).parents[2]

Where = Path | str

_NUMBERS = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 2000)"
_OTHERS = "revision, outcome, manner, scene, size, delay, lag, queue, dns, connect, tls, send, wait, receive, total"
MANY_SLOTS = (
    f"INSERT INTO result (slot, endpoint, location, attempt, {_OTHERS}) "  # noqa: S608 - names of columns
    f"{_NUMBERS} SELECT slot + n * 20000, endpoint, location, attempt, {_OTHERS} FROM result, number WHERE slot = "
    f"{first.SLOTS[0]}"
)
_COUNTS = "up, degraded, down, unknown, warm, warm_sum, warm_max, cold, cold_sum, cold_max"
MANY_HOURS = (
    f"INSERT INTO tally (hour, endpoint, {_COUNTS}) "  # noqa: S608 - names of columns
    f"{_NUMBERS} SELECT hour - n * CAST({HOUR} AS BIGINT), endpoint, {_COUNTS} FROM tally, number WHERE endpoint = 2"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, path: Path) -> Where:
    return path if request.param == "sqlite" else request.getfixturevalue("postgres_url")


async def test_what_the_first_version_kept_is_carried_over(where: Where) -> None:
    write_first(where)
    store = await open_store(where)
    assert await store.states() == first.STATES
    assert list((await store.incidents()).items) == first.INCIDENTS
    assert await store.results(1, limit=9) == first.RESULTS[::-1]
    assert await store.gaps(since=0) == first.GAPS
    assert await store.tallies(since=0) == first.TALLIES
    await store.close()


async def test_an_hours_tally_becomes_roll_ups_that_count_the_same(where: Where) -> None:
    write_first(where)
    store = await open_store(where)
    hours = await store.rollups(Period.HOUR, since=START - HOUR, until=START, endpoint=1)
    assert sum(hour.up for hour in hours) == 300
    assert sum(hour.down for hour in hours) == 60
    await store.close()


def test_what_is_carried_over_goes_in_large_pieces_not_row_by_row(where: Where) -> None:
    write_first(where)
    statements: list[str] = []
    with connected(where) as connection:
        connection.execute(text(MANY_SLOTS))
        connection.execute(text(MANY_HOURS))
        event.listen(connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
        step_up(connection, "0002")
        assert connection.scalar(text("SELECT count(*) FROM result")) == 2 + 2_000
        assert connection.scalar(text("SELECT count(*) FROM rollup WHERE period = 1")) == 2_000 + 3
    assert len(statements) < 300


async def test_what_was_carried_over_is_gone_on_with(where: Where) -> None:
    write_first(where)
    store = await open_store(where)
    assert await registered(store, 3) == [1, 2, 3 if isinstance(where, Path) else 11]
    more = a_result(1, first.SLOTS[1] + 10_000)
    again = first.RESULTS[0]
    await store.write(Batch(results=[more, again], incidents=[first.OPEN]))
    assert await store.results(1, limit=9) == [more, *first.RESULTS[::-1]]
    assert (await store.incidents()).total == 2
    await store.close()
    store = await open_store(where)
    assert await store.results(1, limit=9) == [more, *first.RESULTS[::-1]]
    await store.close()


async def test_a_new_database_is_the_one_that_the_steps_make(where: Where) -> None:
    with connected(where) as connection:
        step_up(connection, NEWEST)
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        stepped = shape(connection)
        drop_everything(connection)
    await (await open_store(where)).close()
    with connected(where) as connection:
        assert shape(connection) == stepped


SQLITE_SHAPE = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'"
POSTGRES_COLUMNS = (
    "SELECT concat_ws('.', table_name, column_name), concat_ws(' ', data_type, is_nullable, column_default) "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
)
POSTGRES_SHAPE = (
    POSTGRES_COLUMNS,
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    "SELECT partrelid::regclass::text, pg_get_partkeydef(partrelid) FROM pg_partitioned_table",
)


def shape(connection: Any) -> dict[str, str]:
    """Every part of the schema in the database's own words."""
    questions = (SQLITE_SHAPE,) if connection.dialect.name == "sqlite" else POSTGRES_SHAPE
    found = [row for question in questions for row in connection.execute(text(question))]
    return {name: "".join((words or "").split()) for name, words in found}


def drop_everything(connection: Any) -> None:
    schema.metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))


async def test_a_newer_versions_database_is_refused_with_a_sentence(where: Where) -> None:
    with connected(where) as connection:
        connection.execute(text("CREATE TABLE alembic_version AS SELECT '9999' AS version_num"))
    for read_only in (False, True):
        with pytest.raises(StoreError, match=rf"newer Milkrun \(revision 9999, this one knows up to {NEWEST}\)"):
            await open_store(where, read_only=read_only)


async def test_an_older_versions_database_is_not_for_those_who_only_read(where: Where) -> None:
    write_first(where)
    with pytest.raises(StoreError, match="was written by an older Milkrun: `milkrun serve` brings it up to date"):
        await open_store(where, read_only=True)


async def test_a_step_that_fails_leaves_the_old_database_as_it_was(where: Where) -> None:
    write_first(where)
    with connected(where) as connection:
        connection.execute(text("CREATE TABLE rollup (stood integer)"))
    with pytest.raises(StoreError, match="already exists"):
        await open_store(where)
    with connected(where) as connection:
        assert connection.scalar(text("SELECT count(*) FROM tally")) == len(first.TALLIES)
        connection.execute(text("DROP TABLE rollup"))
    store = await open_store(where)
    assert await store.states() == first.STATES
    await store.close()


def test_the_newest_step_is_the_one_that_opening_asks_for() -> None:
    script = ScriptDirectory(str(ROOT / "src" / "milkrun" / "store" / "migrations"))
    assert script.get_heads() == [NEWEST]
