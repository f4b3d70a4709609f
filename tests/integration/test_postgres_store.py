"""The store on a real PostgreSQL: what it survives, what it refuses, and how its days are kept."""

import importlib.util
import signal
from typing import Any

import psycopg
import psycopg.errors
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from milkrun.store import partitions, schema
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, StoreError, StoreUnavailableError
from milkrun.store.sql import SqlStore
from tests.support.database import one_endpoint, registered
from tests.support.history import START, a_failure, a_result, an_endpoint, an_incident
from tests.support.postgres import the_server

DAY = partitions.DAY


async def opened(url: str) -> SqlStore:
    return await open_store(url, patience=0.05)


def tell(url: str, sentence: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sentence.encode())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_restarts_costs_one_try_and_no_result(postgres_url: str, how: signal.Signals) -> None:
    store = await opened(postgres_url)
    endpoint = await one_endpoint(store)
    await store.write(Batch(results=[a_result(endpoint, START)]))
    server = the_server()
    server.stop(how)
    lost = Batch(results=[a_result(endpoint, START + 1)], incidents=[an_incident(endpoint)])
    with pytest.raises(StoreUnavailableError):
        await store.write(lost)
    with pytest.raises(StoreUnavailableError):
        await store.write(lost)
    with pytest.raises(StoreUnavailableError):
        await store.states()
    server.start()
    await store.write(lost)
    assert [one.slot for one in await store.results(endpoint, limit=9)] == [START + 1, START]
    assert (await store.incidents()).total == 1
    await store.close()


async def test_a_restart_between_two_flushes_is_survived_by_trying_again(postgres_url: str) -> None:
    store = await opened(postgres_url)
    endpoint = await one_endpoint(store)
    the_server().restart(signal.SIGQUIT)
    flush = Batch(results=[a_failure(endpoint, START, warnings=("new",))])
    with pytest.raises(StoreUnavailableError, match=r"^PostgreSQL database test_\d+ at "):
        await store.write(flush)
    await store.write(flush)
    assert await store.results(endpoint, limit=9) == list(flush.results)
    await store.close()


async def test_a_database_serves_one_milkrun_at_a_time_also_after_a_restart(postgres_url: str) -> None:
    store = await opened(postgres_url)
    for _ in range(2):
        with pytest.raises(StoreError, match="is in use by another Milkrun: stop it, or choose another"):
            await opened(postgres_url)
        the_server().restart()
        with pytest.raises(StoreUnavailableError):
            await store.register([an_endpoint()])
        await store.register([an_endpoint()])
    await store.close()
    await (await opened(postgres_url)).close()


async def test_a_milkrun_whose_database_another_one_took_meanwhile_does_not_write(postgres_url: str) -> None:
    store = await opened(postgres_url)
    endpoint = await one_endpoint(store)
    tell(postgres_url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    other = await opened(postgres_url)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await store.write(Batch(results=[a_result(endpoint)]))
    await other.close()
    await store.write(Batch(results=[a_result(endpoint)]))
    assert await store.results(endpoint, limit=9) == [a_result(endpoint)]
    await store.close()


async def test_a_refused_start_leaves_the_database_free(postgres_url: str) -> None:
    tell(postgres_url, "CREATE TABLE invoices (id integer)")
    for _ in range(2):
        with pytest.raises(StoreError, match="is another program's database: choose another one"):
            await opened(postgres_url)
    tell(postgres_url, "DROP TABLE invoices")
    await (await opened(postgres_url)).close()


async def test_anothers_steps_of_alembic_are_anothers_database(postgres_url: str) -> None:
    tell(postgres_url, "CREATE TABLE alembic_version AS SELECT '1975ea83b712' AS version_num")
    with pytest.raises(StoreError, match="is another program's database"):
        await opened(postgres_url)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("/test_", "/missing_"), "does not exist"),
        (("host=/tmp/", "host=/tmp/gone/"), "the server cannot be reached"),
        (("postgres:", "nobody:"), 'role "nobody" does not exist'),
        (("@/", "@localhost:1/"), "the server cannot be reached"),
        (("postgresql://", "mysql://"), "expected a database as postgresql://"),
        (("@/", "@host:port/"), "cannot read the database's URL: expected postgresql://"),
    ],
)
async def test_a_server_that_does_not_take_us_is_one_line_without_the_password(
    postgres_url: str, change: tuple[str, str], sentence: str
) -> None:
    url = postgres_url.replace("postgres@", "postgres:hunter2@").replace(*change)
    if "localhost" in url:
        url = url.partition("?")[0]
    with pytest.raises(StoreError) as refusal:
        await opened(url)
    assert sentence in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_without_its_driver_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(StoreError, match=r"^PostgreSQL needs its driver: pip install 'milkrun\[postgres\]'$"):
        await opened("postgresql://localhost/x")


def days(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'result'::regclass ORDER BY 1"
        ).fetchall()
    return [name for (name,) in found]


async def test_results_are_kept_by_day_and_the_next_day_is_made_ahead(postgres_url: str) -> None:
    store = await opened(postgres_url)
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START)]))
    assert days(postgres_url) == ["result_20260921", "result_20260922"]
    with psycopg.connect(postgres_url) as reading:
        reading.execute("SELECT * FROM result").fetchall()  # holds the table as a long reader does
        late = [a_result(endpoint, START - 3 * DAY), a_result(endpoint, START + 2 * DAY)]
        await store.write(Batch(results=late))
    assert days(postgres_url) == [f"result_202609{day}" for day in (18, 21, 22, 23, 24)]
    assert [one.slot for one in await store.results(endpoint, limit=9)] == [START + 2 * DAY, START, START - 3 * DAY]
    await store.close()


async def test_days_that_are_over_go_whole_unless_somebody_reads_them(postgres_url: str) -> None:
    store = await opened(postgres_url)
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + number * DAY) for number in range(3)]))
    with psycopg.connect(postgres_url) as reading:
        reading.execute("SELECT * FROM result").fetchall()
        with pytest.raises(StoreUnavailableError, match="another process holds it locked"):
            await store._change(lambda connection: partitions.drop(connection, schema.result, before=START + DAY))
    assert await store._change(lambda connection: partitions.oldest(connection, schema.result)) == START - START % DAY
    await store._change(lambda connection: partitions.drop(connection, schema.result, before=START + DAY))
    assert days(postgres_url)[0] == "result_20260922"
    assert [one.slot for one in await store.results(endpoint, limit=9)] == [START + 2 * DAY, START + DAY]
    await store.close()


async def test_storage_is_what_the_tables_take(postgres_url: str) -> None:
    store = await opened(postgres_url)
    before = (await store.storage()).bytes
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(2_000)]))
    assert (await store.storage()).bytes - before > 2_000 * 50
    await store.close()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (psycopg.errors.DiskFull("could not extend file"), "the disk is full"),
        (psycopg.errors.ReadOnlySqlTransaction("in a read-only transaction"), "it may only be read now"),
        (psycopg.errors.TooManyConnections("too many clients"), "it has run out of something"),
        (psycopg.errors.DeadlockDetected("deadlock\nDETAIL: more"), "another transaction was in the way"),
        (psycopg.errors.IoError("could not read block"), "the server's disk refuses"),
    ],
)
async def test_what_passes_by_itself_is_unavailable_for_now_in_one_line(
    postgres_url: str, error: psycopg.Error, sentence: str
) -> None:
    store = await opened(postgres_url)

    def fail(_: Connection) -> None:
        raise DBAPIError("a statement", {"password": "hunter2"}, error)

    with pytest.raises(StoreUnavailableError, match=f"^PostgreSQL database test_.*: {sentence}") as raised:
        await store._change(fail)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)
    await store.close()
