"""The Database seam: what is particular to one kind of database. The rest is SQLAlchemy Core."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from milkrun.store.backups.manifest import Sum

# A page asks for little at a time; a second reader keeps a long search from holding up the rest.
READERS = 2


class Database(Protocol):
    """One open database, held for this process until `release`.

    `name` is where it is, for messages, without anything secret. `writing` has one connection; each transaction of
    `reading` sees one moment, whatever is committed beside it.
    """

    name: str
    writing: Engine
    reading: Engine

    def translated(self) -> AbstractContextManager[None]:
        """Raise the driver's errors as a StoreError that names the database in one line."""

    def on_disk(self, connection: Connection) -> int:
        """Bytes of all of it, its log included, in the caller's transaction."""

    def room(self, connection: Connection) -> tuple[int, int]:
        """Bytes of the tables without the log, and how many of them are free to give back, as the transaction sees."""

    def give_back(self, connection: Connection, most: int) -> None:
        """Give at most so many free bytes back to the file system, in a transaction of its own."""

    def settle(self, connection: Connection, *, patience: float) -> None:
        """Empty the log, unless a reader needs it for longer than `patience` seconds. Outside any transaction."""

    def copy_to(self, connection: Connection, file: Path) -> dict[str, Sum] | None:
        """Write a copy of one moment into a new file of SQLite's; what was read, where it went through our hands."""

    def vacuum(self, most: int, *, pause: float) -> None:
        """Give back all that is free in bites of at most so many bytes, with a pause (seconds) after each."""

    def release(self) -> None:
        """Close every connection and let another process have it."""
