"""Puts a backup in the place of a database that nobody uses, whole or not at all, and verifies it before and after."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, func, inspect, select

from milkrun.store import schema
from milkrun.store.backups.backup import PATIENCE, Account, account_of
from milkrun.store.backups.copying import copy_all, empty, sums
from milkrun.store.backups.files import put_in_place, remove_logs, unfinished
from milkrun.store.backups.manifest import Manifest, manifest_of, read_manifest
from milkrun.store.directory import DirectoryLock
from milkrun.store.migrate import migrate
from milkrun.store.opening import open_database
from milkrun.store.protocol import StoreError
from milkrun.store.sqlite import engine, translated


def restore(file: Path, where: Path | str, *, force: bool = False) -> Account:
    """Put a backup's contents into a database; one of an older version is brought up to date on the way.

    Raises:
        StoreError: the backup is damaged or none, or of a newer version; the database is in use, or, without `force`,
            has something in it.
    """
    manifest = _verify(file)
    if isinstance(where, Path):
        _into_file(file, where, manifest, force=force)
    else:
        _into_server(file, where, manifest, force=force)
    return account_of(manifest, file)


def _verify(file: Path) -> Manifest:
    """The sums of a backup that is whole."""
    if not file.is_file():
        raise StoreError(f"{file}: there is no such backup")
    address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as read:
            kept = read_manifest(read)
            if kept is None:
                raise StoreError(f"{file} is no backup: those are made with `milkrun backup`")
            if read.execute("PRAGMA integrity_check").fetchall() == [("ok",)] and manifest_of(read) == kept:
                return kept
    except sqlite3.Error as error:
        raise StoreError(f"{file} is no backup, or damaged: {error}") from error
    raise StoreError(f"{file} is damaged: its sums are not those that were kept in it")


def _into_file(file: Path, path: Path, manifest: Manifest, *, force: bool) -> None:
    lock = DirectoryLock(path)
    try:
        if path.exists() and not (force or _is_empty(path)):
            raise _full(str(path))
        with unfinished(path) as part:
            _unpack(file, part, manifest)
            _bring_up_to_date(part)
            # First what belonged to the old file: its log in the place of the new one's would garble it.
            remove_logs(path)
            put_in_place(part, path)
    finally:
        lock.release()


def _into_server(file: Path, url: str, manifest: Manifest, *, force: bool) -> None:
    database = open_database(url, patience=PATIENCE)
    try:
        with (
            database.translated(),
            database.writing.connect() as target,
            TemporaryDirectory(prefix="milkrun-") as folder,
        ):
            migrate(target, database.name)
            part = Path(folder) / "backup.db"
            _unpack(file, part, manifest)
            _bring_up_to_date(part)
            with target.begin():
                if not (force or _has_nothing(target)):
                    raise _full(database.name)
                empty(target)
                _fill(part, target)
    finally:
        database.release()


def _unpack(file: Path, part: Path, manifest: Manifest) -> None:
    """A copy of the backup, verified, without what only a backup has."""
    shutil.copyfile(file, part)
    with translated(part), closing(sqlite3.connect(part)) as copy:
        copy.execute("DROP TABLE manifest")
        copy.commit()
        if manifest_of(copy) != manifest:
            raise StoreError(f"{part} is not what the backup holds: the disk may be failing")


def _bring_up_to_date(part: Path) -> None:
    own = engine(part, begin="BEGIN IMMEDIATE", connections=1, patience=PATIENCE)
    try:
        with translated(part), own.connect() as connection:
            migrate(connection, "the backup")
            # Out of the log and into the file, which is about to be renamed or read.
            connection.connection.cursor().execute("PRAGMA journal_mode = DELETE")
    finally:
        own.dispose()


def _fill(part: Path, target: Connection) -> None:
    own = engine(part, begin="BEGIN", connections=1, patience=PATIENCE)
    try:
        with translated(part), own.connect() as source, source.begin():
            if copy_all(source, target) != sums(target):
                raise StoreError("the server does not hold what the backup does: nothing was changed")
    finally:
        own.dispose()


def _is_empty(path: Path) -> bool:
    """Whether nothing is lost with a file. What cannot be read may be worth something to somebody."""
    own = engine(path, begin="BEGIN", connections=1, patience=PATIENCE)
    try:
        with translated(path), own.connect() as connection, connection.begin():
            return _has_nothing(connection)
    except StoreError:
        return False
    finally:
        own.dispose()


def _has_nothing(connection: Connection) -> bool:
    tables = inspect(connection).get_table_names()
    if schema.endpoint.name not in tables:
        return not tables
    return connection.scalar(select(func.count()).select_from(schema.endpoint)) == 0


def _full(name: str) -> StoreError:
    return StoreError(f"{name} has something in it: restore into another one, or replace all of it with --force")
