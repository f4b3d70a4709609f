"""The Store seam: async verbs, each one transaction."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

import msgspec

from milkrun.core.alert import Firing, Message
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import Entry, Exhibit, Incident, IncidentKey, Kind
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup
from milkrun.core.state import EndpointState
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
    """All that one flush writes, in one transaction.

    `late` are results whose five minutes are closed: those of them that are new are counted in the roll-ups there are,
    by whoever stores them. `recount` are starts of five minutes (epoch ms) to be counted anew from what is stored.
    `firings` are by (endpoint, route), None for one that is over. `withdrawn` are incidents nobody needs to be told of
    any more: what waits for them and was never tried is taken back.
    """

    results: Sequence[Result] = ()
    late: Sequence[Result] = ()
    states: dict[int, EndpointState] = {}
    incidents: Sequence[Incident] = ()
    entries: Sequence[Entry] = ()
    exhibits: Sequence[Exhibit] = ()
    rollups: Sequence[Rollup] = ()
    recount: Sequence[int] = ()
    gaps: Sequence[Gap] = ()
    firings: dict[tuple[int, str], Firing | None] = {}
    messages: Sequence[Message] = ()
    withdrawn: Sequence[IncidentKey] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of incidents, newest first, and how many there are in all.

    `acknowledged` says which of those on the page somebody is on, and who (the first who said so).
    """

    items: tuple[Incident, ...]
    total: int
    acknowledged: dict[IncidentKey, str] = {}


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """What the store holds: bytes on disk (log included), the oldest and newest slot of its results.

    `writer_seconds` is the processor's time that writing has taken since it was opened.
    """

    bytes: int
    oldest: int | None
    newest: int | None
    writer_seconds: float = 0.0


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """For how long each level of history is kept, in milliseconds, and the most bytes all of it may take."""

    results: int
    five_minutes: int
    hours: int
    days: int
    incidents: int
    max_bytes: int


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    """What one bite of upkeep did: results removed, for the log; and whether there is more to do."""

    removed: int
    more: bool


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one incident; its timeline oldest first."""

    incident: Incident
    entries: tuple[Entry, ...]
    exhibit: Exhibit | None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that there is history of, as it was last monitored. `interval` is milliseconds."""

    id: int
    key: str
    name: str
    group: str
    target: str
    interval: int


class Store(Protocol):
    """What every store does. A write that fails leaves nothing behind and raises StoreUnavailableError.

    What alerting asks besides is `store.outbox_protocol`.
    """

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id (stable by key) and revision (one up when its fingerprint changed)."""

    async def known(self) -> list[Known]:
        """Every endpoint there ever was, by key."""

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state and streaks."""

    async def firings(self) -> dict[tuple[int, str], Firing]:
        """What routes have told of and not yet told the end of, by endpoint and route."""

    async def write(self, batch: Batch) -> None:
        """Commit one flush. The same result twice is one result; what else has an identity replaces by it."""

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint from slot `since` on, oldest first: what a start needs."""

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first, with slots below `before`."""

    async def stretch(self, endpoint: int, *, since: int, until: int) -> list[Result]:
        """One endpoint's results with slots from `since` to below `until`, oldest first."""

    def export(self, endpoints: Sequence[int] | None, *, since: int, until: int) -> AsyncIterator[list[Result]]:
        """Results with slots from `since` to below `until`, of these endpoints or of all, in pieces that fit in memory.

        Hour by hour, and in an hour endpoint by endpoint, each oldest first.
        """

    async def count(self, *, since: int) -> list[Rollup]:
        """Count the stored results from slot `since` (the begin of five minutes) on, by five minutes.

        The last attempt of every slot counts. A start goes on from it.
        """

    async def rollups(
        self, period: Period, *, since: int, until: int | None = None, endpoint: int | None = None
    ) -> list[Rollup]:
        """Stored roll-ups of one length that start from `since` to below `until`, oldest first, of one or all."""

    async def window(self, endpoint: int, *, since: int, until: int) -> list[Rollup]:
        """The fewest stored roll-ups that together are what `endpoint` did from `since` to `until`.

        Both are rounded down to five minutes; what is coarser is taken where it fits.
        """

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours from `since` (epoch ms) on, oldest first, of one endpoint or of all: the roll-ups' counts alone."""

    async def incidents(
        self,
        *,
        endpoint: int | None = None,
        open_only: bool = False,
        closed_only: bool = False,
        states: Iterable[Outcome] | None = None,
        kinds: Iterable[Kind] | None = None,
        during: tuple[int, int] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """Incidents, newest first; of these states and kinds, None for all.

        With `during` those that were open at some time from its first to below its second (epoch ms).
        """

    async def case(self, incident: IncidentKey) -> Case | None:
        """All that is known of one incident; None where there is none such."""

    async def gaps(self, *, since: int) -> list[Gap]:
        """Recorded gaps that ended after `since`, oldest first."""

    async def storage(self) -> Storage:
        """Sizes and range, cheap enough to ask every few seconds."""

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:
        """Do one small bite of what keeps history short: roll-ups of roll-ups, packing, forgetting by age and size."""

    async def close(self) -> None:
        """Finish what is queued, checkpoint and close. Nothing may be called after."""
