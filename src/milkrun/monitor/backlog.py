"""What waits to be written, in bounded memory. No I/O.

Raw results may be dropped, the oldest first, and are counted; states, incidents, tallies and gaps are small, kept one
an identity, and never dropped.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from milkrun.core.incident import Incident
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, StateChange
from milkrun.core.tally import Tally
from milkrun.store.protocol import Batch, Gap

RESULTS_LIMIT = 100_000


class Flush(msgspec.Struct, frozen=True):
    """One transaction's content, and what of it nobody has been shown yet."""

    batch: Batch
    unseen: tuple[Result, ...]
    changes: tuple[StateChange, ...]


class Backlog:
    """Results are *unseen* until someone was told of them and *seen* when they only wait for the store."""

    def __init__(self, *, limit: int = RESULTS_LIMIT) -> None:
        self.dropped = 0
        self.unseen: list[Result] = []
        self._limit = limit
        self._seen: deque[Result] = deque()
        self._states: dict[int, EndpointState] = {}
        self._incidents: dict[tuple[int, int], Incident] = {}
        self._changes: list[StateChange] = []
        self._tallies: dict[tuple[int, int], Tally] = {}
        self._gaps: list[Gap] = []

    def __len__(self) -> int:
        """How many results are held."""
        return len(self._seen) + len(self.unseen)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.unseen or self._seen or self._states or self._incidents or self._tallies or self._gaps)

    def keep_state(self, endpoint: int, state: EndpointState) -> None:
        """Keep where an endpoint stands now."""
        self._states[endpoint] = state

    def keep_change(self, change: StateChange) -> None:
        """Keep a change of state, to be told once it is committed."""
        self._changes.append(change)

    def keep_incident(self, incident: Incident) -> None:
        """Keep an incident as it is now."""
        self._incidents[incident.endpoint, incident.opened] = incident

    def keep_tallies(self, tallies: Iterable[Tally]) -> None:
        """Keep hours that are to be written."""
        self._tallies.update(((tally.endpoint, tally.hour), tally) for tally in tallies)

    def keep_gap(self, gap: Gap) -> None:
        """Keep a stretch of time in which nothing was checked."""
        self._gaps.append(gap)

    def show(self) -> tuple[Result, ...]:
        """The results nobody has been shown yet; they go on waiting for the store."""
        shown = tuple(self.unseen)
        self._seen.extend(shown)
        self.unseen = []
        self._drop()
        return shown

    def take(self) -> Flush:
        """Everything there is; the backlog is empty afterwards."""
        flush = Flush(
            batch=Batch(
                results=[*self._seen, *self.unseen],
                states=self._states,
                incidents=list(self._incidents.values()),
                tallies=list(self._tallies.values()),
                gaps=self._gaps,
            ),
            unseen=tuple(self.unseen),
            changes=tuple(self._changes),
        )
        self.unseen, self._changes, self._gaps = [], [], []
        self._states, self._incidents, self._tallies = {}, {}, {}
        self._seen.clear()
        return flush

    def put_back(self, flush: Flush) -> None:
        """Hold a flush that was not committed, under whatever has come since."""
        batch = flush.batch
        waited = len(batch.results) - len(flush.unseen)
        self._seen.extendleft(reversed(batch.results[:waited]))
        self.unseen[:0] = flush.unseen
        self._states = batch.states | self._states
        self._incidents = {(each.endpoint, each.opened): each for each in batch.incidents} | self._incidents
        self._tallies = {(each.endpoint, each.hour): each for each in batch.tallies} | self._tallies
        self._changes[:0] = flush.changes
        self._gaps[:0] = batch.gaps

    def _drop(self) -> None:
        while len(self) > self._limit:
            self._seen.popleft()
            self.dropped += 1
