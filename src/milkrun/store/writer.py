"""The writing side, for one thread and one connection: each flush is one transaction, whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.state import EndpointState
from milkrun.store import incidents, ledger, outbox, registry
from milkrun.store.database import Database
from milkrun.store.facts import FactWriter
from milkrun.store.protocol import Batch
from milkrun.store.results import ResultWriter

T = TypeVar("T")


class Writer:
    """Writes through one connection, remembering what it need not ask or write again."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._facts = FactWriter(connection)
        self._results = ResultWriter(connection, self._facts)
        self._states: dict[int, EndpointState] = {}
        with self._transaction():
            self._results.load()

    def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give ids and revisions."""
        with self._transaction() as connection:
            return registry.register(connection, endpoints)

    def write(self, batch: Batch) -> None:
        """Commit one flush."""
        changed = {key: state for key, state in batch.states.items() if self._states.get(key) != state}
        open_incidents = [state.incident for state in changed.values() if state.incident is not None]
        with self._transaction() as connection:
            self._results.write(batch.results)
            ledger.put_states(connection, changed)
            incidents.put_incidents(connection, (*open_incidents, *batch.incidents))
            incidents.add_entries(connection, batch.entries)
            incidents.keep_exhibits(connection, batch.exhibits)
            ledger.put_firings(connection, batch.firings)
            ledger.put_gaps(connection, batch.gaps)
            outbox.withdraw(connection, batch.withdrawn)
            outbox.insert_messages(connection, batch.messages)
        self._states |= changed

    def change(self, job: Callable[[Connection], T]) -> T:
        """Run a job in one transaction."""
        with self._transaction() as connection:
            return job(connection)

    def settle(self, *, patience: float) -> None:
        """Empty the log, if readers let it within `patience` seconds."""
        with self._database.translated():
            self._database.settle(self._connection, patience=patience)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._database.translated(), self._connection.begin():
                yield self._connection
        except BaseException:
            self._results.forget()
            raise
        self._results.keep()
