"""The SQLite store on a real file: what it survives, what it refuses, how little it takes."""

import asyncio
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Period
from milkrun.core.state import EndpointState
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, Case, StoreError, StoreUnavailableError
from milkrun.store.sql import SqlStore
from tests.support.database import ask, no_room, one_endpoint
from tests.support.history import START, a_failure, a_result, an_endpoint
from tests.support.store_victim import flush_of

ROOT = Path(__file__).parents[2]


async def test_a_full_disk_refuses_the_whole_flush_and_takes_it_once_there_is_room(store: SqlStore) -> None:
    endpoint = await one_endpoint(store)
    flush = flush_of(1, [endpoint])
    flush.results = [a_failure(endpoint, START + step, warnings=(f"{step}" * 50,)) for step in range(500)]
    key = flush.incidents[0].key
    await pragma(store, "max_page_count = 1")  # SQLite takes the file's present size instead
    with pytest.raises(StoreUnavailableError, match=r"milkrun\.db: the disk is full$"):
        await store.write(flush)
    assert (await store.storage()).newest is None
    assert await store.states() == {}
    assert await store.firings() == {}
    assert await store.case(key) is None
    assert await store.rollups(Period.FIVE_MINUTES, since=0) == []
    assert await store.channels() == []
    await pragma(store, "max_page_count = 1000000")
    await store.write(flush)
    assert await store.results(endpoint, limit=500) == list(flush.results)[::-1]
    assert await store.states() == flush.states
    assert await store.firings() == flush.firings
    assert await store.case(key) == Case(
        incident=flush.incidents[0], entries=tuple(flush.entries), exhibit=flush.exhibits[0]
    )
    assert await store.rollups(Period.FIVE_MINUTES, since=0) == list(flush.rollups)
    assert [channel.pending for channel in await store.channels()] == [1]


async def pragma(store: SqlStore, text: str) -> None:
    """Set something on the connection that writes, in its thread."""
    connection = store._opened.writer._connection.connection.cursor()
    await store._run(store._writing, lambda: connection.execute(f"PRAGMA {text}").fetchall())


async def test_a_failed_flush_leaves_no_memory_of_facts_that_were_never_kept(store: SqlStore) -> None:
    endpoint = await one_endpoint(store)
    await pragma(store, "max_page_count = 1")
    many = [a_result(endpoint, START + step, peer=f"10.0.0.{step}:443") for step in range(200)]
    with pytest.raises(StoreUnavailableError):
        await store.write(Batch(results=many))
    await pragma(store, "max_page_count = 1000000")
    other = a_result(endpoint, START, peer="10.9.9.9:443", location="fra")
    await store.write(Batch(results=[other]))
    await store.write(Batch(results=many[1:]))
    assert await store.results(endpoint, limit=200) == [*many[:0:-1], other]


async def test_a_lock_held_by_another_program_is_reported_and_survived(store: SqlStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another process holds it locked"):
            await store.write(Batch(results=[a_result(endpoint)]))
        other.execute("ROLLBACK")
    await store.write(Batch(results=[a_result(endpoint)]))
    assert await store.results(endpoint, limit=2) == [a_result(endpoint)]


async def test_a_directory_serves_one_process_at_a_time(store: SqlStore, path: Path) -> None:
    with pytest.raises(StoreError, match=rf"{path.parent} is in use by another Milkrun \(process \d+\): stop it, or"):
        await open_store(path)
    assert await store.states() == {}


async def test_a_directory_is_free_again_after_close(path: Path) -> None:
    for _ in range(3):
        await (await open_store(path)).close()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"This is a letter, and a long one. " * 500)


def another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")


def a_newer_milkrun(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def a_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (not_a_database, "is damaged or no database: move it away, or choose another data directory"),
        (another_program, "is another program's database: choose another one"),
        (a_newer_milkrun, "was written by a newer Milkrun (revision 9999, this one knows up to 0002): upgrade Milkrun"),
        (a_directory, "it cannot be opened; check who owns it and its directory"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_in_one_line(path: Path, spoil: Any, sentence: str) -> None:
    path.parent.mkdir()
    spoil(path)
    with pytest.raises(StoreError) as refusal:
        await open_store(path)
    assert str(refusal.value).startswith(str(path))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_data_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreError, match=rf"^cannot use {tmp_path}/data/sub as the data directory: not a directory$"):
        await open_store(tmp_path / "data" / "sub" / "milkrun.db")


async def test_a_data_directory_without_room_is_refused_in_one_line_and_is_free_again(path: Path) -> None:
    with no_room(), pytest.raises(StoreError, match=r"^cannot use .* as the data directory: file too large$"):
        await open_store(path)
    await (await open_store(path)).close()


async def test_damage_met_while_reading_is_a_sentence_too(path: Path) -> None:
    store = await open_store(path)
    endpoint = await one_endpoint(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(2_000)]))
    await store.close()
    content = bytearray(path.read_bytes())
    content[-4_096 * 10 :] = b"\xff" * 4_096 * 10
    path.write_bytes(content)
    store = await open_store(path)
    with pytest.raises(StoreError, match="is damaged or no database"):
        await store.results(endpoint, limit=2_000)
    await store.close()


async def test_any_other_complaint_of_the_database_names_the_file(store: SqlStore, path: Path) -> None:
    await pragma(store, "query_only = ON")
    with pytest.raises(StoreUnavailableError, match=f"^{path}: it may not be written"):
        await store.write(Batch(results=[a_result()]))
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE state")
    with pytest.raises(StoreError, match=f"^{path}: no such table: state$"):
        await store.states()


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await open_store(path)
    await store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.states()


async def test_the_log_is_empty_after_close(path: Path) -> None:
    store = await open_store(path)
    await store.write(Batch(results=[a_result()]))
    await store.close()
    assert {file.name for file in path.parent.iterdir()} == {"milkrun.db", "milkrun.db.lock"}


async def test_a_log_that_finds_no_room_at_close_stays_and_is_read_at_the_next_start(path: Path) -> None:
    store = await open_store(path)
    flush = Batch(results=[a_result(await one_endpoint(store), START)])
    await store.write(flush)
    with no_room(beyond=path.stat().st_size):
        await store.close()
    again = await open_store(path)
    assert await again.results(flush.results[0].endpoint, limit=1) == list(flush.results)
    await again.close()


async def test_verbs_may_be_awaited_on_another_threads_loop(store: SqlStore) -> None:
    endpoint = await one_endpoint(store)
    found: list[Any] = []

    def elsewhere() -> None:
        found.append(asyncio.run(store.results(endpoint, limit=1)))

    await store.write(Batch(results=[a_result(endpoint)]))
    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert found == [[a_result(endpoint)]]


async def test_a_write_whose_caller_is_cancelled_does_not_disturb_the_next(store: SqlStore) -> None:
    endpoint = await one_endpoint(store)
    writing = asyncio.create_task(store.write(Batch(results=[a_result(endpoint, START)])))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await store.write(Batch(results=[a_result(endpoint, START + 1)]))
    assert (await store.results(endpoint, limit=1))[0].slot == START + 1


async def test_everything_is_there_after_opening_again(path: Path) -> None:
    incident = Incident(endpoint=1, opened=START, closed=None, state=Outcome.DOWN, cause="refused")
    state = EndpointState(state=Outcome.DOWN, settled=Outcome.DOWN, since=START, worse=(2, 2), incident=incident)
    store = await open_store(path)
    endpoint = await one_endpoint(store)
    written = [a_result(endpoint, START), a_failure(endpoint, START + 1), a_result(endpoint, START + 2, location="fra")]
    await store.write(Batch(results=written, states={endpoint: state}))
    await store.close()
    store = await open_store(path)
    assert await one_endpoint(store) == endpoint
    assert await store.results(endpoint, limit=9) == written[::-1]
    assert await store.states() == {endpoint: state}
    await store.write(Batch(results=[a_result(endpoint, START + 3), a_result(endpoint, START + 4, location="fra")]))
    assert await store.recent(per_endpoint=2, since=0) == {
        endpoint: [a_result(endpoint, START + 3), a_result(endpoint, START + 4, location="fra")]
    }
    await store.close()
    assert ask(path, "SELECT count(*) FROM fact") == [(2,)]


async def test_what_an_endpoint_was_stays_with_its_revision(store: SqlStore, path: Path) -> None:
    await store.register([an_endpoint()])
    await store.register([an_endpoint(fingerprint="second", interval=60_000)])
    assert ask(path, 'SELECT revision, name, "group", target, interval, conditions FROM revision') == [
        (1, "checkout", "core", "https://shop.example/checkout", 10_000, '["[STATUS] == 200"]'),
        (2, "checkout", "core", "https://shop.example/checkout", 60_000, '["[STATUS] == 200"]'),
    ]


async def test_opening_a_new_or_an_up_to_date_database_does_not_load_alembic(path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from milkrun.store.opening import open_store\n"
        "async def main(): await (await open_store(Path(sys.argv[1]))).close()\n"
        "asyncio.run(main()); assert 'alembic' not in sys.modules"
    )
    for _ in ("new", "up to date"):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path))
        assert await process.wait() == 0
