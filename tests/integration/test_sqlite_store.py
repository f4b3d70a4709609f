"""The SQLite store on a real file: what it survives, what it refuses, how little it takes."""

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult
from milkrun.core.state import EndpointState, Incident
from milkrun.core.tally import HOUR, Tally
from milkrun.store import facts, retention, schema
from milkrun.store.migrate import NEWEST
from milkrun.store.protocol import Batch, StoreError, StoreUnavailableError
from milkrun.store.sqlite import SqliteStore, open_sqlite
from tests.support.history import START, STATUS_OK, a_failure, a_result, an_endpoint
from tests.support.store_victim import ENDPOINTS, flush_of

ENDLESS = 1 << 50
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "milkrun.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(path, patience=0.05)
    yield opened
    await opened.close()


def ask(path: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


async def one_endpoint(store: SqliteStore) -> int:
    return (await store.register([an_endpoint()]))[0].id


def slow(number: int) -> ConditionResult:
    shown = f"[RESPONSE_TIME] ({number}) < 10"
    return ConditionResult(condition="[RESPONSE_TIME] < 10", passed=False, shown=shown)


async def test_a_killed_process_loses_no_committed_flush_and_leaves_nothing_half_done(path: Path) -> None:
    plan = random.Random(20_261_123)  # noqa: S311 - a plan that can be repeated, no secret
    for _ in range(8):
        acknowledged = killed_after(path, flushes=plan.randrange(1, 40))
        store = await open_sqlite(path)
        try:
            await check_wreck(store, acknowledged)
        finally:
            await store.close()
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def killed_after(path: Path, *, flushes: int) -> int:
    """Kill a writing process once it has said so many flushes; the number of the last it said was committed."""
    command = [sys.executable, "-m", "tests.support.store_victim", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(flushes)]
        victim.kill()
        said += victim.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


async def check_wreck(store: SqliteStore, acknowledged: int) -> None:
    newest = (await store.storage()).newest
    assert newest is not None
    number = newest - START
    assert number in {acknowledged, acknowledged + 1}
    endpoints = [one.id for one in await store.register([an_endpoint(str(index)) for index in range(ENDPOINTS)])]
    expected = flush_of(number, endpoints)
    assert [(await store.results(endpoint, limit=1))[0] for endpoint in endpoints] == list(expected.results)
    assert await store.states() == expected.states
    open_ones = (await store.incidents(open_only=True)).items
    assert open_ones == tuple(state.incident for state in expected.states.values() if state.incident)
    assert (await store.incidents(limit=0)).total == (number + 2) // 3


async def test_a_full_disk_refuses_the_whole_flush_and_takes_it_once_there_is_room(store: SqliteStore) -> None:
    endpoint = await one_endpoint(store)
    flush = Batch(
        results=[a_failure(endpoint, START + step, warnings=(f"{step}" * 50,)) for step in range(500)],
        states={endpoint: EndpointState(state=Outcome.DOWN, settled=Outcome.DOWN, since=START)},
        incidents=[Incident(endpoint=endpoint, opened=START, closed=None, state=Outcome.DOWN, cause="refused")],
        tallies=[Tally(endpoint=endpoint, hour=START, down=500)],
    )
    await pragma(store, "max_page_count = 1")  # SQLite takes the file's present size instead
    with pytest.raises(StoreUnavailableError, match=r"milkrun\.db: the disk is full$"):
        await store.write(flush)
    assert (await store.storage()).newest is None
    assert await store.states() == {}
    assert (await store.incidents()).total == 0
    assert await store.tallies(since=0) == []
    await pragma(store, "max_page_count = 1000000")
    await store.write(flush)
    assert await store.results(endpoint, limit=500) == list(flush.results)[::-1]
    assert (await store.states()).keys() == {endpoint}


async def pragma(store: SqliteStore, text: str) -> None:
    """Set something on the connection that writes, in its thread."""
    connection = store._opened._connection.connection.cursor()
    await store._run(store._writing, lambda: connection.execute(f"PRAGMA {text}").fetchall())


async def test_a_failed_flush_leaves_no_memory_of_facts_that_were_never_kept(store: SqliteStore) -> None:
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


async def test_a_lock_held_by_another_program_is_reported_and_survived(store: SqliteStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another process holds it locked"):
            await store.write(Batch(results=[a_result(endpoint)]))
        other.execute("ROLLBACK")
    await store.write(Batch(results=[a_result(endpoint)]))
    assert await store.results(endpoint, limit=2) == [a_result(endpoint)]


async def test_a_directory_serves_one_process_at_a_time(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreError, match=rf"{path.parent} is in use by another Milkrun \(process \d+\): stop it, or"):
        await open_sqlite(path)
    assert await store.states() == {}


async def test_a_directory_is_free_again_after_close(path: Path) -> None:
    for _ in range(3):
        await (await open_sqlite(path)).close()


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
        (another_program, "is another program's database: choose another data directory"),
        (a_newer_milkrun, "was written by a newer Milkrun (revision 9999, this one knows up to 0001): upgrade Milkrun"),
        (a_directory, "it cannot be opened; check who owns it and its directory"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_in_one_line(path: Path, spoil: Any, sentence: str) -> None:
    path.parent.mkdir()
    spoil(path)
    with pytest.raises(StoreError) as refusal:
        await open_sqlite(path)
    assert str(refusal.value).startswith(str(path))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_data_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreError, match=rf"^cannot use {tmp_path}/data/sub as the data directory: not a directory$"):
        await open_sqlite(tmp_path / "data" / "sub" / "milkrun.db")


async def test_damage_met_while_reading_is_a_sentence_too(path: Path) -> None:
    store = await open_sqlite(path)
    endpoint = await one_endpoint(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(2_000)]))
    await store.close()
    content = bytearray(path.read_bytes())
    content[4_096 * 20 :] = b"\xff" * (len(content) - 4_096 * 20)
    path.write_bytes(content)
    store = await open_sqlite(path)
    with pytest.raises(StoreError, match="is damaged or no database"):
        await store.results(endpoint, limit=2_000)
    await store.close()


async def test_any_other_complaint_of_the_database_names_the_file(store: SqliteStore, path: Path) -> None:
    await pragma(store, "query_only = ON")
    with pytest.raises(StoreUnavailableError, match=f"^{path}: it may not be written"):
        await store.write(Batch(results=[a_result()]))
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE state")
    with pytest.raises(StoreError, match=f"^{path}: no such table: state$"):
        await store.states()


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await open_sqlite(path)
    await store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.states()


async def test_the_log_is_empty_after_close(path: Path) -> None:
    store = await open_sqlite(path)
    await store.write(Batch(results=[a_result()]))
    await store.close()
    assert {file.name for file in path.parent.iterdir()} == {"milkrun.db", "milkrun.db.lock"}


async def test_verbs_may_be_awaited_on_another_threads_loop(store: SqliteStore) -> None:
    endpoint = await one_endpoint(store)
    found: list[Any] = []

    def elsewhere() -> None:
        found.append(asyncio.run(store.results(endpoint, limit=1)))

    await store.write(Batch(results=[a_result(endpoint)]))
    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert found == [[a_result(endpoint)]]


async def test_a_write_whose_caller_is_cancelled_does_not_disturb_the_next(store: SqliteStore) -> None:
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
    store = await open_sqlite(path)
    endpoint = await one_endpoint(store)
    written = [a_result(endpoint, START), a_failure(endpoint, START + 1), a_result(endpoint, START + 2, location="fra")]
    await store.write(Batch(results=written, states={endpoint: state}))
    await store.close()
    store = await open_sqlite(path)
    assert await one_endpoint(store) == endpoint
    assert await store.results(endpoint, limit=9) == written[::-1]
    assert await store.states() == {endpoint: state}
    await store.write(Batch(results=[a_result(endpoint, START + 3), a_result(endpoint, START + 4, location="fra")]))
    assert await store.recent(per_endpoint=2, since=0) == {
        endpoint: [a_result(endpoint, START + 3), a_result(endpoint, START + 4, location="fra")]
    }
    await store.close()
    assert ask(path, "SELECT count(*) FROM fact") == [(2,)]


async def test_what_an_endpoint_was_stays_with_its_revision(store: SqliteStore, path: Path) -> None:
    await store.register([an_endpoint()])
    await store.register([an_endpoint(fingerprint="second", interval=60_000)])
    assert ask(path, 'SELECT revision, name, "group", target, interval, conditions FROM revision') == [
        (1, "checkout", "core", "https://shop.example/checkout", 10_000, '["[STATUS] == 200"]'),
        (2, "checkout", "core", "https://shop.example/checkout", 60_000, '["[STATUS] == 200"]'),
    ]


async def test_remarks_that_never_come_twice_are_not_collected(store: SqliteStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    changing = [a_result(endpoint, START + step, conditions=(STATUS_OK, slow(step))) for step in range(100)]
    await store.write(Batch(results=changing))
    assert await store.results(endpoint, limit=100) == changing[::-1]
    assert ask(path, "SELECT count(*) FROM fact") == [(1,)]


async def test_remarks_that_come_again_are_written_once(store: SqliteStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    same = [a_failure(endpoint, START + step, warnings=("a bare LF",)) for step in range(100)]
    for one in same:
        await store.write(Batch(results=[one]))
    assert await store.results(endpoint, limit=100) == same[::-1]
    assert ask(path, "SELECT count(*) FROM fact") == [(2,)]
    assert ask(path, "SELECT count(*) FROM result WHERE aside IS NOT NULL") == [(1,)]


async def test_what_is_remembered_is_bounded(store: SqliteStore, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(facts, "REMEMBERED", 3)
    monkeypatch.setattr(facts, "SUSPECTS", 2)
    endpoint = await one_endpoint(store)
    written = [
        a_result(endpoint, START + step, peer=f"10.0.0.{step % 7}:1", conditions=(slow(step % 5),))
        for step in range(70)
    ]
    for one in written:
        await store.write(Batch(results=[one]))
    assert await store.results(endpoint, limit=70) == written[::-1]
    assert len(store._opened.writer._facts._known) <= 3
    assert len(store._opened.writer._facts._suspects) <= 2
    assert ask(path, "SELECT count(*) FROM fact")[0][0] <= 12


async def test_facts_that_nothing_refers_to_any_more_are_removed(store: SqliteStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    later = START + 10 * facts.GRAIN
    await store.write(Batch(results=[a_result(endpoint, START, peer="10.0.0.1:1"), a_result(endpoint, START + 1)]))
    await store.write(Batch(results=[a_result(endpoint, later)]))
    await store.prune(before=later, max_bytes=ENDLESS)
    assert ask(path, "SELECT count(*) FROM fact") == [(1,)]
    again = a_result(endpoint, later + 1, peer="10.0.0.1:1")
    await store.write(Batch(results=[again]))
    assert await store.results(endpoint, limit=9) == [again, a_result(endpoint, later)]
    await store.prune(before=later + 2 * facts.GRAIN, max_bytes=ENDLESS)
    assert ask(path, "SELECT count(*) FROM result") == [(0,)]


async def test_text_that_no_database_takes_does_not_stop_a_flush(store: SqliteStore) -> None:
    endpoint = await one_endpoint(store)
    shown = ConditionResult(condition="[BODY] == x", passed=False, shown="[BODY] (\ud800) == x")
    failure = Failure(layer=Layer.TLS, kind="alert", message="\udcff")
    incident = Incident(endpoint=endpoint, opened=START, closed=None, state=Outcome.DOWN, cause="\ud800")
    written = [
        a_result(endpoint, START, conditions=(shown,)),
        a_failure(endpoint, START + 1, failure=failure, location="\ud800"),
    ]
    await store.write(Batch(results=written, incidents=[incident]))
    failed, odd = await store.results(endpoint, limit=2)
    assert odd.conditions[0].shown == r"[BODY] (\ud800) == x"
    assert failed.failure is not None
    assert (failed.failure.message, failed.location) == (r"\udcff", r"\ud800")
    assert (await store.incidents()).items[0].cause == r"\ud800"


async def test_a_result_takes_at_most_sixty_bytes_on_disk(store: SqliteStore, path: Path) -> None:
    plan = random.Random(7)  # noqa: S311 - a plan that can be repeated, no secret
    registered = await store.register([an_endpoint(str(number)) for number in range(1_000)])
    await store.write(Batch(results=[a_result(one.id, START) for one in registered]))
    store._opened.writer.checkpoint(patience=1)
    before = path.stat().st_size
    for flush in range(20):
        slots = sorted(plan.sample(range(1_000), 500) * 2)
        chosen = plan.sample(registered, 1_000)
        results = [
            a_result(one.id, START + flush * 1_000 + slot, lag_ms=plan.random(), started=(START + slot) / 1_000)
            for one, slot in zip(chosen, slots, strict=True)
        ]
        await store.write(Batch(results=results))
    store._opened.writer.checkpoint(patience=1)
    assert (path.stat().st_size - before) / 20_000 <= 60


async def test_a_bite_of_one_slot_is_taken_whole(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BITE", 3)
    registered = await store.register([an_endpoint(str(number)) for number in range(10)])
    for slot in (START, START + 1):
        await store.write(Batch(results=[a_result(one.id, slot) for one in registered]))
    assert (await store.prune(before=START + 9, max_bytes=ENDLESS)).results == 10
    assert (await store.storage()).oldest == START + 1


async def test_tallies_make_room_only_when_no_result_is_left(store: SqliteStore) -> None:
    endpoint = await one_endpoint(store)
    hours = [Tally(endpoint=endpoint, hour=START + number * HOUR, up=1) for number in range(3)]
    await store.write(Batch(results=[a_result(endpoint)], tallies=hours))
    first = await store.prune(before=START, max_bytes=0)
    assert (first.results, first.more) == (1, True)
    assert await store.tallies(since=0) == hours
    await store.prune(before=START, max_bytes=0)
    assert await store.tallies(since=0) == []


async def test_the_tables_are_what_the_migrations_make(store: SqliteStore) -> None:
    def compare() -> list[Any]:
        connection = store._opened._connection
        with connection.begin():
            return list(compare_metadata(MigrationContext.configure(connection), schema.metadata))

    assert await store._run(store._writing, compare) == []


def test_the_newest_migration_is_the_one_that_opening_asks_for() -> None:
    script = ScriptDirectory(str(ROOT / "src" / "milkrun" / "store" / "migrations"))
    assert script.get_heads() == [NEWEST]


async def test_opening_an_up_to_date_database_does_not_load_alembic(path: Path) -> None:
    await (await open_sqlite(path)).close()
    program = (
        "import asyncio, sys; from pathlib import Path; from milkrun.store.sqlite import open_sqlite\n"
        "async def main(): await (await open_sqlite(Path(sys.argv[1]))).close()\n"
        "asyncio.run(main()); assert 'alembic' not in sys.modules"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path))
    assert await process.wait() == 0
