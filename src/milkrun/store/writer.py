"""The writing side, for one thread and one connection: each flush is one transaction, whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.state import EndpointState
from milkrun.store import incidents, ledger, outbox, registry
from milkrun.store.budget import make_room
from milkrun.store.database import Database
from milkrun.store.decoding import Decoder
from milkrun.store.facts import FactWriter
from milkrun.store.locations import Locations
from milkrun.store.protocol import Batch, Keep, Upkeep
from milkrun.store.recounting import Recounter
from milkrun.store.results import ResultWriter
from milkrun.store.rounds import Round
from milkrun.store.upkeep import Chores

T = TypeVar("T")


class Writer:
    """Writes through one connection, remembering what it need not ask or write again."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._facts = FactWriter(connection)
        self._locations = Locations(connection)
        self._decoder = Decoder()
        self._results = ResultWriter(connection, self._facts, self._locations)
        self._rollups = Recounter(connection, self._decoder, self._locations)
        self._chores = Chores(self._facts, self._locations)
        self._states: dict[int, EndpointState] = {}
        with self._transaction():
            self._results.load()

    def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give ids and revisions."""
        with self._transaction() as connection:
            registered = registry.register(connection, endpoints)
            self._results.load()
            return registered

    def write(self, batch: Batch) -> None:
        """Commit one flush."""
        changed = {key: state for key, state in batch.states.items() if self._states.get(key) != state}
        open_incidents = [state.incident for state in changed.values() if state.incident is not None]
        with self._transaction() as connection:
            written = self._results.write(batch.results)
            late = self._results.write(batch.late)
            self._rollups.write(batch.rollups)
            self._rollups.late((row[0], row[1]) for row in late)
            self._rollups.recount(batch.recount)
            ledger.put_states(connection, changed)
            incidents.put_incidents(connection, (*open_incidents, *batch.incidents))
            incidents.add_entries(connection, batch.entries)
            incidents.keep_exhibits(connection, batch.exhibits)
            ledger.put_firings(connection, batch.firings)
            ledger.put_gaps(connection, batch.gaps)
            outbox.withdraw(connection, batch.withdrawn)
            outbox.insert_messages(connection, batch.messages)
        self._states |= changed
        for rows in (written, late):
            self._chores.touch(rows)
        self._chores.interrupt([*batch.recount, *{rollup.start for rollup in batch.rollups}])

    def change(self, job: Callable[[Connection], T]) -> T:
        """Run a job in one transaction."""
        with self._transaction() as connection:
            return job(connection)

    def upkeep(self, now: int, keep: Keep) -> Upkeep | Round:
        """Do a bite of upkeep; or say of which round one is to be read by a reader, and then to be finished."""
        with self._transaction() as connection:
            due = self._chores.next_round(connection, now)
            removed = self._chores.forget(connection, now, keep) if due is None else None
        if due is not None:
            return due
        return self._make_room(keep.max_bytes) if removed is None else Upkeep(removed=removed, more=True)

    def finish(self, round_: Round, found: Any) -> Upkeep:
        """Write the bite of a round for which this was read."""
        with self._transaction() as connection:
            round_.write(connection, found)
        round_.settle()
        return Upkeep(removed=0, more=True)

    def settle(self, *, patience: float) -> None:
        """Empty the log, if readers let it within `patience` seconds."""
        with self._database.translated():
            self._database.settle(self._connection, patience=patience)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _make_room(self, max_bytes: int) -> Upkeep:
        with self._transaction() as connection:
            if self._database.on_disk(connection) <= max_bytes:
                return Upkeep(removed=0, more=False)
        # The log may be all that is too much, so it goes first; and what a bite adds to it goes at once.
        self.settle(patience=0)
        with self._transaction() as connection:
            reduction = make_room(self._database, connection, max_bytes)
        with self._database.translated():
            self._database.give_back(self._connection, reduction.bytes)
        self.settle(patience=0)
        return Upkeep(removed=reduction.removed, more=reduction.more)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._database.translated(), self._connection.begin():
                yield self._connection
        except BaseException:
            self._results.forget()
            self._decoder.forget()
            raise
        self._results.keep()
