"""Backup, restore and vacuum of both databases while a server has them open, and what is refused."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from milkrun.core.rollup import Period
from milkrun.store.backups.backup import back_up
from milkrun.store.backups.restore import restore
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, Keep, StoreError
from milkrun.store.sql import SqlStore
from milkrun.store.vacuum import vacuum
from tests.support.database import ENDLESS, ask, no_room, registered, store_of
from tests.support.first_database import STATES, write_first
from tests.support.history import START, a_result
from tests.support.postgres import the_server
from tests.support.store_victim import flush_of

Where = Path | str
Anew = Callable[[str], Where]

FLUSHES = 5


@pytest.fixture
def anew(tmp_path: Path, request: pytest.FixtureRequest) -> Anew:
    """Where another empty database of a kind is."""
    numbers = iter(range(9))

    def make(database: str) -> Where:
        if database == "sqlite":
            return tmp_path / f"data-{next(numbers)}" / "milkrun.db"
        url = the_server().new_database()
        request.addfinalizer(lambda: the_server().drop(url))
        return url

    return make


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a backup goes."""
    return tmp_path / "backup.db"


async def filled(where: Where) -> SqlStore:
    """A store with some of everything in it, still open."""
    store = await open_store(where)
    endpoints = await registered(store, 3)
    for number in range(FLUSHES):
        await store.write(flush_of(number, endpoints))
    await store.secret()
    return store


async def contents(store: SqlStore) -> list[object]:
    page = await store.incidents()
    return [
        await store.states(),
        page,
        [await store.case(one.key) for one in page.items],
        [await store.results(endpoint, limit=99) for endpoint in (1, 2, 3)],
        await store.rollups(Period.FIVE_MINUTES, since=0),
        await store.firings(),
        await store.channels(),
    ]


@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
async def test_what_is_backed_up_from_either_database_is_restored_into_either(
    anew: Anew, file: Path, source: str, target: str
) -> None:
    store = await filled(anew(source))
    before, secret = await contents(store), await store.secret()
    account = await asyncio.to_thread(back_up, store_of(store), file)
    await store.write(Batch(results=[a_result(1, START + 99)]))  # is not in it
    await store.close()
    assert account.rows > 3 * FLUSHES
    where = anew(target)
    assert await asyncio.to_thread(restore, file, where) == account
    again = await open_store(where)
    assert await contents(again) == before
    assert await again.secret() == secret
    assert await registered(again, 4) == [1, 2, 3, 4]
    more = a_result(1, START + FLUSHES, peer="10.0.0.99:443", location="fra")
    await again.write(Batch(results=[more]))
    assert (await again.results(1, limit=1)) == [more]
    await again.close()


async def test_a_flush_that_comes_while_a_backup_is_written_does_not_wait_for_it(anew: Anew, file: Path) -> None:
    store = await filled(anew("sqlite"))
    with closing(sqlite3.connect(store_of(store), isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT * FROM result").fetchall()  # as a backup under way does
        await store.write(Batch(results=[a_result(1, START + 99)]))
    await asyncio.to_thread(back_up, store_of(store), file)
    assert ask(file, "SELECT max(slot) FROM result") == [(START + 99,)]
    assert {path.name for path in file.parent.iterdir()} >= {"backup.db"}
    assert not list(file.parent.glob("backup.db.*"))
    await store.close()


async def test_a_backup_is_a_database_of_its_own_with_the_sums_of_its_tables(anew: Anew, file: Path) -> None:
    store = await filled(anew("postgresql"))
    await asyncio.to_thread(back_up, store_of(store), file)
    await store.close()
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert ask(file, "SELECT rows FROM manifest WHERE name = 'result'") == [(3 * FLUSHES,)]
    assert ask(file, "SELECT count(*) FROM result") == [(3 * FLUSHES,)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_database_in_use_or_with_contents_is_not_written_over(anew: Anew, file: Path, database: str) -> None:
    where = anew(database)
    store = await filled(where)
    await asyncio.to_thread(back_up, where, file)
    before = await contents(store)
    with pytest.raises(StoreError, match="is in use by another Milkrun"):
        await asyncio.to_thread(restore, file, where, force=True)
    assert await contents(store) == before
    await store.write(Batch(results=[a_result(1, START + 99)]))
    await store.close()
    with pytest.raises(StoreError, match=r"has something in it: .* replace all of it with --force"):
        await asyncio.to_thread(restore, file, where)
    await asyncio.to_thread(restore, file, where, force=True)
    again = await open_store(where)
    assert await contents(again) == before
    await again.close()


async def test_a_damaged_backup_changes_nothing(anew: Anew, file: Path) -> None:
    store = await filled(anew("sqlite"))
    await asyncio.to_thread(back_up, store_of(store), file)
    await store.close()
    content = file.read_bytes()
    place = content.index(b"checkout")
    file.write_bytes(content[:place] + b"chequout" + content[place + 8 :])
    where = anew("sqlite")
    with pytest.raises(StoreError, match=r"backup\.db is damaged: its sums are not those"):
        await asyncio.to_thread(restore, file, where)
    assert isinstance(where, Path)
    assert not where.exists()


async def test_what_is_written_is_verified_and_else_no_backup(
    anew: Anew, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await filled(anew("postgresql"))
    monkeypatch.setattr("milkrun.store.backups.backup.manifest_of", lambda _: {})
    with pytest.raises(StoreError, match="is not what was read: the disk may be failing"):
        await asyncio.to_thread(back_up, store_of(store), file)
    assert not list(file.parent.glob("backup.db*"))
    await store.close()


def lossy(source: Path, target: Path) -> None:
    """A disk that loses a row of what is copied to it."""
    target.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("DELETE FROM result WHERE endpoint = 1")
        copy.commit()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_is_restored_is_verified_and_else_nothing_changes(
    anew: Anew, file: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await filled(anew("sqlite"))
    await asyncio.to_thread(back_up, store_of(store), file)
    await store.close()
    where = anew(database)
    with monkeypatch.context() as failing:
        failing.setattr("milkrun.store.backups.restore.shutil.copyfile", lossy)
        with pytest.raises(StoreError, match="is not what the backup holds: the disk may be failing"):
            await asyncio.to_thread(restore, file, where)
    again = await open_store(where)
    assert await again.known() == []
    await again.close()


async def test_what_a_server_did_not_take_is_no_restore(
    anew: Anew, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await filled(anew("sqlite"))
    await asyncio.to_thread(back_up, store_of(store), file)
    await store.close()
    where = anew("postgresql")
    with monkeypatch.context() as failing:
        failing.setattr("milkrun.store.backups.restore.sums", lambda _: {})
        with pytest.raises(StoreError, match="the server does not hold what the backup does: nothing was changed"):
            await asyncio.to_thread(restore, file, where)
    again = await open_store(where)
    assert await again.known() == []
    await again.close()


def a_letter(file: Path) -> None:
    file.write_text("This is a letter, and a long one. " * 500)


def a_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")


def nothing(file: Path) -> None:
    file.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (a_letter, "is no backup, or damaged: file is not a database"),
        (a_database, "is no backup: those are made with `milkrun backup`"),
        (nothing, "there is no such backup"),
    ],
)
async def test_what_is_no_backup_is_refused_in_one_line(
    anew: Anew, file: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(file)
    with pytest.raises(StoreError) as refusal:
        await asyncio.to_thread(restore, file, anew("sqlite"))
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("spoil", [a_letter, a_database])
async def test_a_damaged_database_or_anothers_is_replaced_only_when_told_to(
    anew: Anew, file: Path, spoil: Callable[[Path], None]
) -> None:
    store = await filled(anew("sqlite"))
    before = await contents(store)
    await asyncio.to_thread(back_up, store_of(store), file)
    await store.close()
    where = anew("sqlite")
    assert isinstance(where, Path)
    where.parent.mkdir()
    spoil(where)
    with pytest.raises(StoreError, match="has something in it"):
        await asyncio.to_thread(restore, file, where)
    await asyncio.to_thread(restore, file, where, force=True)
    again = await open_store(where)
    assert await contents(again) == before
    await again.close()


async def test_a_folder_that_cannot_be_written_to_is_one_line(anew: Anew, file: Path) -> None:
    store = await filled(anew("sqlite"))
    file.write_text("a file, no folder")
    with pytest.raises(StoreError, match=r"^cannot write .*backup\.db/x: not a directory$"):
        await asyncio.to_thread(back_up, store_of(store), file / "x")
    await store.close()


async def test_a_file_that_is_there_is_replaced_only_when_told_to(anew: Anew, file: Path) -> None:
    store = await filled(anew("sqlite"))
    file.write_text("my thesis")
    with pytest.raises(StoreError, match="is there already: choose another name, or replace it with --force"):
        await asyncio.to_thread(back_up, store_of(store), file)
    with pytest.raises(StoreError, match="is a directory: name a file"):
        await asyncio.to_thread(back_up, store_of(store), file.parent, force=True)
    os.mkfifo(file.parent / "pipe")
    with pytest.raises(StoreError, match="is a device: name a file"):
        await asyncio.to_thread(back_up, store_of(store), file.parent / "pipe", force=True)
    with pytest.raises(StoreError, match="is the database itself: choose another name"):
        await asyncio.to_thread(back_up, store_of(store), Path(store._opened.database.name), force=True)
    assert file.read_text() == "my thesis"
    await asyncio.to_thread(back_up, store_of(store), file, force=True)
    assert ask(file, "SELECT count(*) FROM endpoint") == [(3,)]
    await store.close()


async def test_a_disk_without_room_leaves_no_half_of_a_backup(anew: Anew, file: Path) -> None:
    store = await filled(anew("sqlite"))
    with no_room(beyond=50_000), pytest.raises(StoreError, match=r"backup\.db"):
        back_up(store_of(store), file)
    assert not list(file.parent.glob("backup.db*"))
    await store.close()


async def test_an_older_versions_database_is_backed_up_as_it_is_and_restored_as_this_ones(
    anew: Anew, file: Path
) -> None:
    old = anew("sqlite")
    write_first(old)
    await asyncio.to_thread(back_up, old, file)
    assert ask(file, "SELECT version_num FROM alembic_version") == [("0001",)]
    for database in ("sqlite", "postgresql"):
        where = anew(database)
        await asyncio.to_thread(restore, file, where)
        store = await open_store(where)
        assert await store.states() == STATES
        await store.close()


async def test_vacuum_gives_back_what_was_removed_while_the_server_writes(anew: Anew) -> None:
    store = await filled(anew("sqlite"))
    await store.write(Batch(results=[a_result(1, START + step, warnings=("x" * 900,)) for step in range(9_000)]))
    day = 86_400_000
    keep = Keep(results=day, five_minutes=day, hours=day, days=day, incidents=day, max_bytes=ENDLESS)
    for _ in range(200):
        if not (await store.upkeep(START + 9 * day, keep)).more:
            break
    writing = asyncio.create_task(store.write(Batch(results=[a_result(1, START + 9 * day)])))
    done = await asyncio.to_thread(vacuum, store_of(store))
    await writing
    assert done.after < done.before
    assert ask(Path(store._opened.database.name), "PRAGMA freelist_count")[0][0] < 50
    assert await store.results(1, limit=1) == [a_result(1, START + 9 * day)]
    await store.close()


async def test_vacuum_of_a_server_leaves_everything_as_it_was(anew: Anew) -> None:
    store = await filled(anew("postgresql"))
    before = await contents(store)
    await asyncio.to_thread(vacuum, store_of(store))
    assert await contents(store) == before
    await store.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_database_in_use_may_be_read_by_others_who_write_nothing(anew: Anew, database: str) -> None:
    where = anew(database)
    store = await filled(where)
    other = await open_store(where, read_only=True)
    assert await contents(other) == await contents(store)
    with pytest.raises(StoreError, match="is open for reading only"):
        await other.write(Batch(results=[a_result(1, START + 99)]))
    await store.write(Batch(results=[a_result(1, START + 99)]))
    assert await other.results(1, limit=1) == [a_result(1, START + 99)]
    await other.close()
    await store.close()


async def test_there_is_nothing_to_read_where_there_is_no_database(anew: Anew) -> None:
    where = anew("sqlite")
    with pytest.raises(StoreError, match=r"milkrun\.db: there is no database$"):
        await open_store(where, read_only=True)
    with pytest.raises(StoreError, match="there is no database of Milkrun's"):
        await open_store(anew("postgresql"), read_only=True)
