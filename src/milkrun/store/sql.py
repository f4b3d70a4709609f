"""The Store over SQL: every verb is a job for one of its threads."""

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from milkrun.core.alert import Firing
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import IncidentKey, Kind
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup
from milkrun.core.state import EndpointState
from milkrun.core.tally import Tally
from milkrun.store import incidents, ledger, registry
from milkrun.store.outbox_verbs import OutboxVerbs
from milkrun.store.protocol import Batch, Case, Gap, Keep, Known, Page, Storage, Upkeep


class SqlStore(OutboxVerbs):
    """A Store and an Outbox; see the protocols. A verb whose caller is cancelled still happens whole or not at all."""

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id and revision."""
        return await self._write(lambda writer: writer.register(endpoints))

    async def write(self, batch: Batch) -> None:
        """Commit one flush."""
        await self._write(lambda writer: writer.write(batch))

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:
        """Do one bite of what keeps history short."""
        return await self._write(lambda writer: writer.upkeep(now, keep))

    async def known(self) -> list[Known]:
        """Every endpoint there ever was."""
        return await self._ask(registry.known)

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state."""
        return await self._ask(ledger.states)

    async def firings(self) -> dict[tuple[int, str], Firing]:
        """What routes have told of and not yet told the end of."""
        return await self._ask(ledger.firings)

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint, oldest first."""
        return await self._read(lambda reader: reader.recent(per_endpoint, since))

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first."""
        return await self._read(lambda reader: reader.results(endpoint, limit, before))

    async def stretch(self, endpoint: int, *, since: int, until: int) -> list[Result]:
        """One endpoint's results of a stretch of slots, oldest first."""
        return await self._read(lambda reader: reader.stretch(endpoint, since, until))

    async def export(self, endpoints: Sequence[int] | None, *, since: int, until: int) -> AsyncIterator[list[Result]]:
        """Results of a stretch of slots in pieces, oldest first; each piece is read when it is asked for."""
        pieces = self._opened.reader.export(endpoints, since, until)
        while (piece := await self._run(self._reading, partial(next, pieces, None))) is not None:
            yield piece

    async def count(self, *, since: int) -> list[Rollup]:
        """Count the stored results by five minutes."""
        return await self._read(lambda reader: reader.count(since))

    async def rollups(
        self, period: Period, *, since: int, until: int | None = None, endpoint: int | None = None
    ) -> list[Rollup]:
        """Stored roll-ups of one length, oldest first."""
        return await self._read(lambda reader: reader.rollups(period, since, until, endpoint))

    async def window(self, endpoint: int, *, since: int, until: int) -> list[Rollup]:
        """The fewest stored roll-ups that are a stretch of time."""
        return await self._read(lambda reader: reader.window(endpoint, since, until))

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours, oldest first."""
        return await self._read(lambda reader: reader.tallies(since, endpoint))

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
        """Incidents, newest first."""
        wanted = incidents.matching(
            endpoint=endpoint, open_only=open_only, closed_only=closed_only, states=states, kinds=kinds, during=during
        )
        return await self._ask(partial(incidents.page, wanted=wanted, limit=limit, offset=offset))

    async def case(self, incident: IncidentKey) -> Case | None:
        """All that is known of one incident."""
        return await self._ask(partial(incidents.case, key=incident))

    async def gaps(self, *, since: int) -> list[Gap]:
        """Gaps, oldest first."""
        return await self._ask(partial(ledger.gaps, since=since))

    async def storage(self) -> Storage:
        """Sizes and range."""
        return await self._read(lambda reader: reader.storage())
