"""The reading side, for any thread: each question is one transaction, which sees one moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from milkrun.store import history
from milkrun.store.database import Database
from milkrun.store.decoding import Decoder
from milkrun.store.protocol import Storage

T = TypeVar("T")


class Reader:
    """Reads through a database's connections; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.decoder = Decoder()

    def ask(self, question: Callable[[Connection], T]) -> T:
        """Put a question in one transaction."""
        with self._transaction() as connection:
            return question(connection)

    def decode(self, question: Callable[[Connection, Decoder], T]) -> T:
        """Put a question whose answer is decoded, in one transaction."""
        with self._transaction() as connection:
            return question(connection, self.decoder)

    def storage(self) -> Storage:
        """Bytes on disk and the range of slots."""
        with self._transaction() as connection:
            oldest, newest = history.span(connection)
            return Storage(bytes=self._database.on_disk(connection), oldest=oldest, newest=newest)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._database.translated(), self._database.reading.connect() as connection, connection.begin():
            yield connection
