"""The writing side, for one thread and one connection: each flush is one transaction, whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection, Executable

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import Incident
from milkrun.core.state import EndpointState
from milkrun.store import dialect, registry, retention, schema
from milkrun.store.facts import FactWriter, storable
from milkrun.store.protocol import Batch, Gap, Pruned
from milkrun.store.results import ResultWriter

_UPSERT_STATE = dialect.upsert(schema.state)
_UPSERT_INCIDENT = dialect.upsert(schema.incident)
_UPSERT_TALLY = dialect.upsert(schema.tally)
_UPSERT_GAP = dialect.upsert(schema.gap)


class Writer:
    """Writes through one connection, remembering what it need not ask or write again."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._facts = FactWriter(connection)
        self._results = ResultWriter(connection, self._facts)
        self._states: dict[int, EndpointState] = {}
        with self._transaction():
            self._results.load()

    def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give ids and revisions."""
        with self._transaction():
            return registry.register(self._connection, endpoints)

    def write(self, batch: Batch) -> None:
        """Commit one flush."""
        changed = {key: state for key, state in batch.states.items() if self._states.get(key) != state}
        open_incidents = [state.incident for state in changed.values() if state.incident is not None]
        with self._transaction():
            self._results.write(batch.results)
            self._each(_UPSERT_STATE, (_state_row(key, state) for key, state in changed.items()))
            self._each(_UPSERT_INCIDENT, map(_incident_row, (*open_incidents, *batch.incidents)))
            self._each(_UPSERT_TALLY, map(asdict, batch.tallies))
            self._each(_UPSERT_GAP, map(_gap_row, batch.gaps))
        self._states |= changed

    def prune(self, before: int, max_bytes: int) -> Pruned:
        """Remove one bite: by age, or when nothing is too old, by size."""
        with self._transaction():
            removed = retention.remove_aged(self._connection, self._facts, before)
        if removed or dialect.on_disk(self._path) <= max_bytes:
            return Pruned(results=removed, more=removed >= retention.BITE)
        # The log may be all that is too much, so it goes first; and what a bite adds to it goes at once.
        self.checkpoint(patience=0)
        with self._transaction():
            reduction = retention.make_room(self._connection, max_bytes)
        with dialect.translated(self._path):
            dialect.shrink(self._connection, reduction.pages)
        self.checkpoint(patience=0)
        return Pruned(results=reduction.removed, more=reduction.more)

    def checkpoint(self, *, patience: float) -> None:
        """Empty the log into the file, if readers let it within `patience` seconds."""
        with dialect.translated(self._path):
            dialect.checkpoint(self._connection, patience=patience)

    def _each(self, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
        parameters = list(rows)
        if parameters:
            self._connection.execute(statement, parameters)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with dialect.translated(self._path), self._connection.begin():
                yield
        except BaseException:
            self._results.forget()
            raise
        self._results.keep()


def _state_row(endpoint: int, state: EndpointState) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "state": state.state.value,
        "settled": state.settled.value,
        "since": state.since,
        "worse_degraded": state.worse[0],
        "worse_down": state.worse[1],
        "better_up": state.better[0],
        "better_degraded": state.better[1],
        "incident": state.incident.opened if state.incident else None,
    }


def _incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "endpoint": incident.endpoint,
        "opened": incident.opened,
        "closed": incident.closed,
        "state": incident.state.value,
        "cause": storable(incident.cause),
    }


def _gap_row(gap: Gap) -> dict[str, Any]:
    return {"began": gap.began, "ended": gap.ended, "reason": storable(gap.reason)}
