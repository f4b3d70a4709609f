"""The reading side, for any thread: each step is one short transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from milkrun.core.result import Result
from milkrun.store import history, ledger
from milkrun.store.database import Database
from milkrun.store.protocol import Storage

T = TypeVar("T")

_NEWEST = (1 << 63) - 1


class Reader:
    """Reads through a database's connections; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._decoder = history.Decoder()

    def results(self, endpoint: int, limit: int, before: int | None) -> list[Result]:
        """One endpoint's results, newest first."""
        floor = self.ask(partial(history.first_slot, identity=endpoint))
        found: list[Result] = []
        if floor is None or limit <= 0:
            return found
        for window in history.windows(self._newest_below, _NEWEST if before is None else before, floor):
            with self._transaction() as connection:
                rows = connection.execute(history.of_endpoint(window, endpoint, limit - len(found))).all()
                found += self._decoder.decode(connection, rows)
            if len(found) >= limit:
                break
        return found

    def recent(self, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint, oldest first."""
        found: dict[int, list[Result]] = {}
        wanting: set[int] | None = None
        for window in history.windows(self._newest_below, _NEWEST, since):
            with self._transaction() as connection:
                self._collect(connection, window, wanting, per_endpoint, found)
                full = {endpoint for endpoint, results in found.items() if len(results) >= per_endpoint}
                wanting = history.endpoints_with_results(connection) - full
            if not wanting:
                break
        return {endpoint: results[::-1] for endpoint, results in found.items()}

    def storage(self) -> Storage:
        """Bytes on disk and the range of slots."""
        with self._transaction() as connection:
            oldest, newest = ledger.span(connection)
            return Storage(bytes=self._database.on_disk(connection), oldest=oldest, newest=newest)

    def ask(self, question: Callable[[Connection], T]) -> T:
        """Put a question in one transaction."""
        with self._transaction() as connection:
            return question(connection)

    def _collect(
        self,
        connection: Connection,
        window: tuple[int, int],
        wanting: set[int] | None,
        per_endpoint: int,
        found: dict[int, list[Result]],
    ) -> None:
        """Add a window's rows to what was found, newest first, to `per_endpoint` each; the surplus is never decoded."""
        statement = history.of_endpoints(window, None if wanting is None else sorted(wanting))
        for part in connection.execution_options(yield_per=2_000).execute(statement).partitions():
            room: dict[int, int] = {}
            kept = []
            for row in part:
                endpoint = row[history.ENDPOINT]
                left = room.setdefault(endpoint, per_endpoint - len(found.get(endpoint, ())))
                if left > 0:
                    room[endpoint] = left - 1
                    kept.append(row)
            for result in self._decoder.decode(connection, kept):
                found.setdefault(result.endpoint, []).append(result)

    def _newest_below(self, end: int) -> int | None:
        return self.ask(partial(history.newest_below, end=end))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._database.translated(), self._database.reading.connect() as connection, connection.begin():
            yield connection
