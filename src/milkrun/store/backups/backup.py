"""Writes a backup of one moment while the server goes on; it has its name only once it is verified."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from milkrun.store.backups.files import put_in_place, unfinished
from milkrun.store.backups.manifest import Manifest, manifest_of, write_manifest
from milkrun.store.migrate import check
from milkrun.store.opening import open_database
from milkrun.store.protocol import StoreError
from milkrun.store.sqlite import translated

PATIENCE = 10.0  # seconds


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds, verified: its tables, the rows of all, the file's bytes."""

    tables: int
    rows: int
    bytes: int


def back_up(where: Path | str, file: Path, *, force: bool = False) -> Account:
    """Write all of a database, which may be in use, into a file.

    Raises:
        StoreError: the database or the file cannot be used. Only with `force` a file that is there is replaced.
    """
    _refuse(where, file, force=force)
    database = open_database(where, patience=PATIENCE, read_only=True)
    try:
        with unfinished(file) as part:
            with database.translated(), database.reading.connect() as connection:
                check(connection, database.name, older=True)
                read = database.copy_to(connection, part)
            manifest = _seal(part, read)
            put_in_place(part, file)
    finally:
        database.release()
    return account_of(manifest, file)


def _refuse(where: Path | str, file: Path, *, force: bool) -> None:
    if file.exists() and not file.is_file():
        raise StoreError(f"{file} is a {'directory' if file.is_dir() else 'device'}: name a file")
    if isinstance(where, Path) and file.resolve() == where.resolve():
        raise StoreError(f"{file} is the database itself: choose another name")
    if file.exists() and not force:
        raise StoreError(f"{file} is there already: choose another name, or replace it with --force")


def account_of(manifest: Manifest, file: Path) -> Account:
    """What a verified file holds."""
    rows = sum(each.rows for each in manifest.values())
    return Account(tables=len(manifest), rows=rows, bytes=file.stat().st_size)


def _seal(part: Path, read: Manifest | None) -> Manifest:
    """Verify what was written against what was read, where that is known, and keep the sums in it."""
    with translated(part), closing(sqlite3.connect(part)) as file:
        sound = file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        manifest = manifest_of(file)
        if not sound or (read is not None and read != manifest):
            raise StoreError(f"{part} is not what was read: the disk may be failing")
        write_manifest(file, manifest)
        file.commit()
    return manifest
