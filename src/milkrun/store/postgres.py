"""A Database of PostgreSQL's, through psycopg 3: its connections, its lock, errors, sizes."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from milkrun.store.backups.copying import copy_all
from milkrun.store.backups.manifest import Sum
from milkrun.store.database import READERS
from milkrun.store.migrate import check, migrate
from milkrun.store.protocol import StoreError, StoreUnavailableError
from milkrun.store.schema import metadata
from milkrun.store.sqlite import engine, translated

# One Milkrun writes a database: an advisory lock of this number, held by the connection that writes. A server that
# restarts forgets it, and so does one whose client died.
LOCK = int.from_bytes(b"milkrun")

# How soon a connection to a server that is gone without a word is given up: seconds, and milliseconds.
_CONNECTING = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}

# What passes by itself, by the class of the error (manual, "PostgreSQL Error Codes").
_FOR_NOW = {
    "08": "the connection broke",
    "25": "it may only be read now",
    "40": "another transaction was in the way",
    "53": "it has run out of something",
    "55": "another process holds it locked",
    "57": "the server was stopped or is starting",
    "58": "the server's disk refuses",
}
_DISK_FULL = "53100"
_GONE = "the server cannot be reached"

_SIZE = text(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


class PostgresDatabase:
    """A Database; see the seam. `patience` is how many seconds a statement waits for a lock.

    With `read_only` it is no process's own: another one may be writing to it.
    """

    def __init__(self, url: str, *, patience: float, read_only: bool = False) -> None:
        address = _address(url)
        self.name = _name(address)
        self.writing = _engine(address, connections=1, patience=patience)
        self.reading = _engine(
            address, connections=READERS, patience=patience, isolation_level="REPEATABLE READ", pool_pre_ping=True
        )
        if not read_only:
            event.listen(self.writing, "connect", self._hold)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the driver's errors as a StoreError that names the database in one line."""
        try:
            yield
        except DBAPIError as error:
            raise _translate(error, self.name) from error

    def on_disk(self, connection: Connection) -> int:
        """Bytes of all tables and their indexes. The server's log is everybody's."""
        return int(connection.execute(_SIZE).scalar_one())

    def room(self, connection: Connection) -> tuple[int, int]:
        """Bytes of all tables; what is free in them the vacuum gives to the next rows by itself."""
        return self.on_disk(connection), 0

    def give_back(self, connection: Connection, most: int) -> None:
        """Nothing: that is the server's own vacuum's."""

    def settle(self, connection: Connection, *, patience: float) -> None:
        """Nothing: the server does it."""

    def copy_to(self, connection: Connection, file: Path) -> dict[str, Sum]:
        """Write a copy of one moment into a new file of SQLite's, with the sums of what was read."""
        check(connection, self.name, older=False)
        made = engine(file, begin="BEGIN IMMEDIATE", connections=1, patience=0)
        try:
            with translated(file), made.connect() as copy:
                migrate(copy, str(file))
                with connection.begin(), copy.begin():
                    read = copy_all(connection, copy)
                copy.connection.cursor().execute("PRAGMA journal_mode = DELETE")
        finally:
            made.dispose()
        return read

    def vacuum(self, most: int, *, pause: float) -> None:  # noqa: ARG002 - the server has a pace of its own
        """Let the server clean every table of ours, and count anew what its planner goes by."""
        with self.reading.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in metadata.sorted_tables:
                alone.execute(text(f"VACUUM (ANALYZE) {table.name}"))

    def release(self) -> None:
        """Close every connection, which lets go of the lock."""
        self.reading.dispose()
        self.writing.dispose()

    def _hold(self, connection: Any, _: ConnectionPoolEntry) -> None:
        """Take the lock on every new connection that writes: one after a restart needs it as the first did."""
        with connection.cursor() as cursor:
            held = cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()[0]
        connection.rollback()
        if not held:
            connection.close()
            raise StoreUnavailableError(f"{self.name} is in use by another Milkrun: stop it, or choose another one")


def _address(url: str) -> URL:
    if importlib.util.find_spec("psycopg") is None:
        raise StoreError("PostgreSQL needs its driver: pip install 'milkrun[postgres]'")
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres:") else url)
    except (ArgumentError, ValueError):
        # The cause would show the URL, and the password in it.
        raise StoreError("cannot read the database's URL: expected postgresql://user:password@host:port/name") from None
    return address.set(drivername="postgresql+psycopg")


def _name(address: URL) -> str:
    host = address.host or address.query.get("host") or "the local server"
    port = f":{address.port}" if address.port else ""
    return f"PostgreSQL database {address.database or address.username or ''} at {host}{port}"


def _engine(address: URL, *, connections: int, patience: float, **options: Any) -> Engine:
    settings = f"-c lock_timeout={int(patience * 1_000)}"
    return create_engine(
        address,
        connect_args={"options": settings, "connect_timeout": 5, "application_name": "milkrun", **_CONNECTING},
        pool_size=connections,
        max_overflow=0,
        **options,
    )


def _translate(error: DBAPIError, name: str) -> StoreError:
    code = getattr(error.orig, "sqlstate", None) or ""
    said = " ".join(str(error.orig).split("\n", 1)[0].split())
    if code == _DISK_FULL:
        return StoreUnavailableError(f"{name}: the disk is full")
    if code[:2] in _FOR_NOW:
        return StoreUnavailableError(f"{name}: {_FOR_NOW[code[:2]]} ({said})")
    if error.connection_invalidated or not code:
        return StoreUnavailableError(f"{name}: {_GONE} ({said})")
    return StoreError(f"{name}: {said}")
