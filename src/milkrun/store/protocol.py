"""The Store seam: async verbs, each one transaction."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, Incident
from milkrun.core.tally import Tally


class StoreError(Exception):
    """The store cannot be opened or used; the message is one line for the operator."""


class StoreUnavailableError(StoreError):
    """A write failed for now (full disk, lock held too long): nothing of it was kept, it may be tried again."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Time in which nothing was checked: epoch milliseconds, `ended` exclusive."""

    began: int
    ended: int
    reason: str


class Batch(msgspec.Struct, kw_only=True):
    """All that one flush writes, in one transaction."""

    results: Sequence[Result] = ()
    states: dict[int, EndpointState] = {}
    incidents: Sequence[Incident] = ()
    tallies: Sequence[Tally] = ()
    gaps: Sequence[Gap] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of incidents, newest first, and how many there are in all."""

    items: tuple[Incident, ...]
    total: int


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """What the store holds: bytes on disk (log included), the oldest and newest slot of its results."""

    bytes: int
    oldest: int | None
    newest: int | None


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What one bite of retention removed, and whether there is more to do."""

    results: int
    more: bool


class Store(Protocol):
    """What every store does. A write that fails leaves nothing behind and raises StoreUnavailableError."""

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id (stable by key) and revision (one up when its fingerprint changed)."""

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state and streaks."""

    async def write(self, batch: Batch) -> None:
        """Commit one flush. The same result twice is one result; incidents and tallies replace by identity."""

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint from slot `since` on, oldest first: what a start needs."""

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first, with slots below `before`."""

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours from `since` (epoch ms) on, oldest first, of one endpoint or of all."""

    async def tally(self, *, since: int) -> list[Tally]:
        """Count the last attempt of every slot from `since` (a whole hour) on, by endpoint and hour.

        A start rebuilds the open hour from it, in the database: 10,000 endpoints have millions of rows an hour.
        """

    async def incidents(
        self,
        *,
        endpoint: int | None = None,
        open_only: bool = False,
        states: Iterable[Outcome] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """Incidents, newest first."""

    async def gaps(self, *, since: int) -> list[Gap]:
        """Recorded gaps that ended after `since`, oldest first."""

    async def storage(self) -> Storage:
        """Sizes and range, cheap enough to ask every few seconds."""

    async def prune(self, *, before: int, max_bytes: int) -> Pruned:
        """Remove one small bite of raw results: those with slots below `before`, or the oldest while too big."""

    async def close(self) -> None:
        """Finish what is queued, checkpoint and close. Nothing may be called after."""
