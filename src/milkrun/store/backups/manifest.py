"""What a backup holds, table by table: how many rows, and a sum over them that does not depend on their order.

A file of SQLite's has no checksums of its own: what a disk garbled may well be readable. The sums stand in the backup,
in a table of their own, and are made again before and after it is restored.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_KEPT = "CREATE TABLE manifest (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest TEXT NOT NULL)"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"

# Not the users' data: the backup's own table, and the revision, which restoring may move on.
_ASIDE = {"manifest", "alembic_version"}

_encode = msgspec.msgpack.Encoder().encode


class Sum(msgspec.Struct, frozen=True):
    """Rows, and the sum of their digests modulo 2^64."""

    rows: int = 0
    digest: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.rows + other.rows, (self.digest + other.digest) % (1 << 64))


Manifest = Mapping[str, Sum]


def sum_of(rows: Iterable[tuple[Any, ...]]) -> Sum:
    """The sum of these rows. Truth values must be 0 and 1, as SQLite has them."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.blake2b(_encode(row), digest_size=8).digest())
    return Sum(count, total % (1 << 64))


def manifest_of(file: sqlite3.Connection) -> dict[str, Sum]:
    """The sums of what a file holds."""
    names = [name for (name,) in file.execute(_TABLES) if name not in _ASIDE]
    return {name: sum_of(file.execute(f'SELECT * FROM "{name}"')) for name in names}  # noqa: S608 - a table's name


def write_manifest(file: sqlite3.Connection, manifest: Manifest) -> None:
    """Keep the sums in the file they are of."""
    file.execute(_KEPT)
    rows = [(name, each.rows, f"{each.digest:016x}") for name, each in manifest.items()]
    file.executemany("INSERT INTO manifest VALUES (?, ?, ?)", rows)


def read_manifest(file: sqlite3.Connection) -> dict[str, Sum] | None:
    """The sums that were kept in a file; None where there are none."""
    if ("manifest",) not in file.execute(_TABLES).fetchall():
        return None
    kept = file.execute("SELECT name, rows, digest FROM manifest")
    return {name: Sum(rows, int(digest, 16)) for name, rows, digest in kept}
