"""A Database in a file of SQLite's: connections and pragmas, errors, file sizes."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from milkrun.store.database import READERS
from milkrun.store.directory import DirectoryLock
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


class SqliteDatabase:
    """A Database; see the seam. `patience` is how many seconds a statement waits for another process's lock.

    With `read_only` it is no process's own: another one may be writing to it.
    """

    def __init__(self, path: Path, *, patience: float, read_only: bool = False) -> None:
        self._path = path
        self.name = str(path)
        if read_only and not path.is_file():
            raise StoreError(f"{path}: there is no database")
        self._lock = None if read_only else DirectoryLock(path)
        # IMMEDIATE: a transaction that will write asks for the lock at once, when waiting for it can still help.
        self.writing = engine(path, begin="BEGIN IMMEDIATE", connections=1, patience=patience)
        # Whoever only looks leaves the file as it is, whosever it is.
        pragmas = () if read_only else PRAGMAS
        self.reading = engine(path, begin="BEGIN", connections=READERS, patience=patience, pragmas=pragmas)

    def translated(self) -> AbstractContextManager[None]:
        """Raise the driver's errors as a StoreError that names the file in one line."""
        return translated(self._path)

    def on_disk(self, connection: Connection) -> int:  # noqa: ARG002 - another kind asks its server
        """Bytes of the file and its log."""
        return sum(part.stat().st_size for part in _files(self._path) if part.exists())

    def room(self, connection: Connection) -> tuple[int, int]:
        """Bytes of the file's pages, and of those that are free."""
        pages, free, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return pages * size, free * size

    def give_back(self, connection: Connection, most: int) -> None:
        """Give free pages of at most so many bytes back to the file system, in a transaction of its own."""
        pages = most // connection.connection.cursor().execute("PRAGMA page_size").fetchone()[0]
        if not pages:
            return  # to the pragma, 0 means all there are
        # As a script: each step of this pragma frees one page, and the driver steps once where it sees no columns.
        connection.connection.cursor().executescript(f"PRAGMA incremental_vacuum({pages})")

    def settle(self, connection: Connection, *, patience: float) -> None:
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

    def copy_to(self, connection: Connection, file: Path) -> None:
        """Write a copy of one moment, whatever is committed beside it. It takes no lock from whoever writes.

        Not SQLite's backup in steps: that begins anew at every commit of another process's.
        """
        with translated(file):
            connection.connection.cursor().execute("VACUUM INTO ?", (str(file),))

    def vacuum(self, most: int, *, pause: float) -> None:
        """Give all free pages back, bite by bite; whoever else writes has the lock in the pauses."""
        with self.writing.connect() as connection:
            _, free = self._room(connection)
            while free:
                self.give_back(connection, most)
                time.sleep(pause)
                before, (_, free) = free, self._room(connection)
                if free >= before:  # somebody else's deletions are as fast: they are for the next time
                    break
            self.settle(connection, patience=1.0)

    def _room(self, connection: Connection) -> tuple[int, int]:
        with connection.begin():
            return self.room(connection)

    def release(self) -> None:
        """Close every connection and let another process have the directory."""
        self.reading.dispose()
        self.writing.dispose()
        if self._lock is not None:
            self._lock.release()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the driver's errors as a StoreError that names the file in one line."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _translate(error.orig if isinstance(error, DBAPIError) else error, path) from error


def engine(path: Path, *, begin: str, connections: int, patience: float, pragmas: Sequence[str] = PRAGMAS) -> Engine:
    """An engine with at most so many connections to the file, whose transactions start with the given statement."""
    made = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, patience, pragmas),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )

    @event.listens_for(made, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


def _connect(path: Path, patience: float, pragmas: Sequence[str]) -> sqlite3.Connection:
    # isolation_level None: the driver starts no transaction of its own, `engine` says when and how.
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        for pragma in pragmas:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _translate(error: BaseException | None, path: Path) -> StoreError:
    # An extended code keeps its family in the low byte; the driver's own complaints have none.
    family = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if family in _FOR_NOW:
        return StoreUnavailableError(f"{path}: {_FOR_NOW[family]}")
    if family in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return StoreError(f"{path} is damaged or no database: move it away, or choose another data directory")
    return StoreError(f"{path}: {error}")


def _files(path: Path) -> Sequence[Path]:
    return path, path.with_name(f"{path.name}-wal")
