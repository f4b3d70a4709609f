"""The Store over SQL: every verb is a job for one of its threads."""

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from msgspec.structs import replace

from milkrun.core.alert import Firing
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import IncidentKey, Kind
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup
from milkrun.core.state import EndpointState
from milkrun.core.tally import Tally
from milkrun.store import history, incidents, ledger, registry, rollups
from milkrun.store.export import pieces
from milkrun.store.outbox_verbs import OutboxVerbs
from milkrun.store.protocol import Batch, Case, Gap, Keep, Known, Page, Storage, Upkeep
from milkrun.store.recent import recent


class SqlStore(OutboxVerbs):
    """A Store and an Outbox; see the protocols. A verb whose caller is cancelled still happens whole or not at all."""

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id and revision."""
        return await self._write(lambda writer: writer.register(endpoints))

    async def write(self, batch: Batch) -> None:
        """Commit one flush."""
        await self._write(lambda writer: writer.write(batch))
        self._tell(batch.messages)

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:
        """Do one bite of what keeps history short."""
        done = await self._write(lambda writer: writer.upkeep(now, keep))
        if isinstance(done, Upkeep):
            return done
        found = await self._ask(done.read)
        return await self._write(lambda writer: writer.finish(done, found))

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
        return await self._read(lambda reader: reader.decode(partial(recent, per_endpoint=per_endpoint, since=since)))

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first."""
        question = partial(history.results, endpoint=endpoint, limit=limit, before=before)
        return await self._read(lambda reader: reader.decode(question))

    async def stretch(self, endpoint: int, *, since: int, until: int) -> list[Result]:
        """One endpoint's results of a stretch of slots, oldest first."""
        question = partial(history.stretch, endpoint=endpoint, since=since, until=until)
        return await self._read(lambda reader: reader.decode(question))

    async def export(self, endpoints: Sequence[int] | None, *, since: int, until: int) -> AsyncIterator[list[Result]]:
        """Results of a stretch of slots in pieces; each piece is read when it is asked for."""
        reader = self._opened.reader
        all_of_it = pieces(reader.ask, reader.decoder, endpoints, since, until)
        while (piece := await self._run(self._reading, partial(next, all_of_it, None))) is not None:
            yield piece

    async def count(self, *, since: int) -> list[Rollup]:
        """Count the stored results by five minutes."""
        return await self._read(lambda reader: reader.decode(partial(history.count, since=since)))

    async def rollups(
        self, period: Period, *, since: int, until: int | None = None, endpoint: int | None = None
    ) -> list[Rollup]:
        """Stored roll-ups of one length, oldest first."""
        question = partial(rollups.read, period=period, since=since, until=until, endpoint=endpoint)
        return await self._read(lambda reader: reader.decode(question))

    async def window(self, endpoint: int, *, since: int, until: int) -> list[Rollup]:
        """The fewest stored roll-ups that are a stretch of time."""
        question = partial(rollups.window, endpoint=endpoint, since=since, until=until)
        return await self._read(lambda reader: reader.decode(question))

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours, oldest first."""
        return await self._ask(partial(rollups.tallies, since=since, endpoint=endpoint))

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
        return replace(await self._read(lambda reader: reader.storage()), writer_seconds=self._spent)
