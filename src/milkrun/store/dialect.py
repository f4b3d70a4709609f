"""What is particular to SQLite: connections and pragmas, upserts, file sizes. The rest is SQLAlchemy Core."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import DBAPIError

from milkrun.store.protocol import StoreError, StoreUnavailableError

# The log is cut back to this many bytes at a checkpoint, so that one long reader does not leave it large for ever.
LOG_LIMIT = 8_000_000

# auto_vacuum comes first: it is settled by the first write to a new file, which journal_mode is. WAL with
# synchronous=NORMAL survives the process's death at any moment, and syncs only at checkpoints. secure_delete, which
# some builds switch on, would write zeros over every row that retention removes.
PRAGMAS = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA secure_delete = OFF",
    f"PRAGMA journal_size_limit = {LOG_LIMIT}",
)

_FOR_NOW = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another process holds it locked",
    sqlite3.SQLITE_LOCKED: "another process holds it locked",
    sqlite3.SQLITE_IOERR: "the disk refuses to read or write it",
    sqlite3.SQLITE_READONLY: "it may not be written; check who owns it and its directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check who owns it and its directory",
    sqlite3.SQLITE_NOMEM: "memory has run out",
}


def open_engine(path: Path, *, begin: str, connections: int, patience: float) -> Engine:
    """An engine with at most so many connections to the file, whose transactions start with the given statement.

    `patience` is how many seconds a statement waits for another process's lock.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, patience),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    # isolation_level None: the driver starts no transaction of its own, `open_engine` says when and how.
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the driver's errors as a StoreError that names the file in one line."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _translate(error.orig if isinstance(error, DBAPIError) else error, path) from error


def _translate(error: BaseException | None, path: Path) -> StoreError:
    # An extended code keeps its family in the low byte; the driver's own complaints have none.
    family = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if family in _FOR_NOW:
        return StoreUnavailableError(f"{path}: {_FOR_NOW[family]}")
    if family in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return StoreError(f"{path} is damaged or no database: move it away, or choose another data directory")
    return StoreError(f"{path}: {error}")


def upsert(table: Table) -> Insert:
    """Insert a row, or replace everything but the identity of the one that has it."""
    statement = insert(table)
    rest = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=rest)


def insert_once(table: Table, engine: Engine) -> str:
    """The driver's own text of "insert unless it is there", for tuples in the order of the table's columns."""
    return str(insert(table).on_conflict_do_nothing().compile(dialect=engine.dialect))


def sizes(connection: Connection) -> tuple[int, int, int]:
    """The file's pages, how many of them are free, and the bytes of one."""
    pages, free, size = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return pages, free, size


def shrink(connection: Connection, pages: int) -> None:
    """Give at most so many free pages back to the file system, in a transaction of its own."""
    if not pages:
        return  # to the pragma, 0 means all there are
    # As a script: each step of this pragma frees one page, and the driver steps once where it sees no columns.
    connection.connection.cursor().executescript(f"PRAGMA incremental_vacuum({pages})")


def checkpoint(connection: Connection, *, patience: float) -> None:
    """Move the log into the file and empty it, unless a reader needs it for longer than `patience` seconds.

    Outside any transaction, so past SQLAlchemy, which would begin one.
    """
    with closing(connection.connection.cursor()) as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        for pragma in (
            f"busy_timeout = {int(patience * 1_000)}",
            "wal_checkpoint(TRUNCATE)",
            f"busy_timeout = {usual}",
        ):
            cursor.execute(f"PRAGMA {pragma}").fetchall()


def on_disk(path: Path) -> int:
    """Bytes of the file and its log."""
    return sum(part.stat().st_size for part in _files(path) if part.exists())


def _files(path: Path) -> Sequence[Path]:
    return path, path.with_name(f"{path.name}-wal")
