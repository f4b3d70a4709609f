"""The Store in memory: for tests of what is built on one, and for a run that keeps nothing."""

from collections.abc import AsyncIterator, Iterable, Sequence

from msgspec.structs import replace

from milkrun.core.alert import Firing, Message
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import Entry, Exhibit, Incident, IncidentKey, Kind, Moment
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.core.state import EndpointState
from milkrun.core.tally import Tally
from milkrun.store.memory_rollups import MemoryRollups
from milkrun.store.protocol import Batch, Case, Gap, Keep, Known, Page, Storage, Upkeep

# What a result is taken to weigh, in bytes, where a budget asks.
WEIGHT = 1_000

# Results removed in one bite, and read in one piece.
BITE = 10_000

Identity = tuple[int, int, str, int]


class MemoryStore:
    """A Store that dies with its process. Its verbs do not wait, so each is one transaction by itself.

    `messages` are those of all batches by their id: nobody delivers them from here.
    """

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self._registered: dict[str, Registered] = {}
        self._results: dict[Identity, Result] = {}
        self._states: dict[int, EndpointState] = {}
        self._incidents: dict[IncidentKey, Incident] = {}
        self._entries: dict[IncidentKey, list[Entry]] = {}
        self._exhibits: dict[IncidentKey, Exhibit] = {}
        self._firings: dict[tuple[int, str], Firing] = {}
        self._rollups = MemoryRollups()
        self._gaps: dict[int, Gap] = {}

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id and revision."""
        return [self._register(endpoint) for endpoint in endpoints]

    async def known(self) -> list[Known]:
        """Every endpoint there ever was."""
        return [_known(registered) for _, registered in sorted(self._registered.items())]

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state."""
        return dict(self._states)

    async def firings(self) -> dict[tuple[int, str], Firing]:
        """What routes have told of and not yet told the end of."""
        return dict(self._firings)

    async def write(self, batch: Batch) -> None:
        """Commit one flush."""
        for result in batch.results:
            self._results.setdefault(_identity(result), result)
        self._states |= batch.states
        self._gaps |= {gap.began: gap for gap in batch.gaps}
        self._write_incidents(batch)
        self._write_rollups(batch)
        self._write_alerts(batch)

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint, oldest first."""
        found: dict[int, list[Result]] = {}
        for result in self._between(since, None):
            found.setdefault(result.endpoint, []).append(result)
        return {endpoint: results[-per_endpoint:] for endpoint, results in found.items()}

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first."""
        return [result for result in self._between(0, before) if result.endpoint == endpoint][::-1][:limit]

    async def stretch(self, endpoint: int, *, since: int, until: int) -> list[Result]:
        """One endpoint's results of a stretch of slots, oldest first."""
        return [result for result in self._between(since, until) if result.endpoint == endpoint]

    async def export(self, endpoints: Sequence[int] | None, *, since: int, until: int) -> AsyncIterator[list[Result]]:
        """Results of a stretch of slots in pieces, oldest first."""
        found = [one for one in self._between(since, until) if endpoints is None or one.endpoint in endpoints]
        for start in range(0, len(found), BITE):
            yield found[start : start + BITE]

    async def count(self, *, since: int) -> list[Rollup]:
        """Count the stored results by five minutes."""
        return roll_up(Period.FIVE_MINUTES, self._last_attempts(since, None))

    async def rollups(
        self, period: Period, *, since: int, until: int | None = None, endpoint: int | None = None
    ) -> list[Rollup]:
        """Stored roll-ups of one length, oldest first."""
        return self._rollups.find(period, since, until, endpoint)

    async def window(self, endpoint: int, *, since: int, until: int) -> list[Rollup]:
        """The fewest stored roll-ups that are a stretch of time."""
        return self._rollups.window(endpoint, since, until)

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours, oldest first."""
        return self._rollups.tallies(since, endpoint)

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
        wanted, sorts = (None if values is None else set(values) for values in (states, kinds))
        found = [
            incident
            for incident in sorted(self._incidents.values(), key=_newest, reverse=True)
            if endpoint in {None, incident.endpoint}
            and not (open_only and incident.closed is not None)
            and not (closed_only and incident.closed is None)
            and (wanted is None or incident.state in wanted)
            and (sorts is None or incident.kind in sorts)
            and (during is None or _was_open(incident, *during))
        ]
        items = tuple(found[offset : offset + limit])
        return Page(items=items, total=len(found), acknowledged=self._acknowledged(items))

    async def case(self, incident: IncidentKey) -> Case | None:
        """All that is known of one incident."""
        known = self._incidents.get(incident)
        if known is None:
            return None
        entries = sorted(self._entries.get(incident, ()), key=lambda entry: entry.at)
        return Case(incident=known, entries=tuple(entries), exhibit=self._exhibits.get(incident))

    async def gaps(self, *, since: int) -> list[Gap]:
        """Gaps, oldest first."""
        return [gap for _, gap in sorted(self._gaps.items()) if gap.ended > since]

    async def storage(self) -> Storage:
        """Sizes and range."""
        slots = [slot for slot, *_ in self._results]
        return Storage(bytes=self._weight(), oldest=min(slots, default=None), newest=max(slots, default=None))

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:
        """Make what is over into longer roll-ups, and forget one bite by age and by size."""
        self._rollups.make_longer(now)
        ages = {Period.FIVE_MINUTES: keep.five_minutes, Period.HOUR: keep.hours, Period.DAY: keep.days}
        for period, age in ages.items():
            self._rollups.forget(period, now - age)
        self._forget_incidents(now - keep.incidents)
        oldest = sorted(self._results)[:BITE]
        gone = [identity for identity in oldest if identity[0] < now - keep.results]
        if not gone:
            gone = oldest[: max(0, -(-(self._weight() - keep.max_bytes) // WEIGHT))]
        for identity in gone:
            del self._results[identity]
        return Upkeep(removed=len(gone), more=len(gone) == BITE)

    async def close(self) -> None:
        """Let go of the results, which are what weighs."""
        self._results.clear()

    def _register(self, endpoint: Endpoint) -> Registered:
        known = self._registered.get(endpoint.key)
        if known is None:
            found = Registered(id=len(self._registered) + 1, revision=1, endpoint=endpoint)
        elif known.endpoint.fingerprint == endpoint.fingerprint:
            found = replace(known, endpoint=endpoint)
        else:
            found = replace(known, revision=known.revision + 1, endpoint=endpoint)
        self._registered[endpoint.key] = found
        return found

    def _write_incidents(self, batch: Batch) -> None:
        open_ones = [state.incident for state in batch.states.values() if state.incident is not None]
        self._incidents |= {one.key: one for one in (*open_ones, *batch.incidents)}
        for entry in batch.entries:
            timeline = self._entries.setdefault(entry.incident, [])
            if entry not in timeline:
                timeline.append(entry)
        for exhibit in batch.exhibits:
            self._exhibits.setdefault(exhibit.incident, exhibit)

    def _write_rollups(self, batch: Batch) -> None:
        self._rollups.put(batch.rollups)
        for result in batch.late:
            if _identity(result) not in self._results:
                self._results[_identity(result)] = result
                self._rollups.count_late(result)
        for start in batch.recount:
            self._rollups.recount(start, self._last_attempts(start, Period.FIVE_MINUTES.end(start)))

    def _write_alerts(self, batch: Batch) -> None:
        self.messages |= {message.id: message for message in batch.messages if message.id not in self.messages}
        for key, firing in batch.firings.items():
            if firing is None:
                self._firings.pop(key, None)
            else:
                self._firings[key] = firing

    def _acknowledged(self, incidents: Iterable[Incident]) -> dict[IncidentKey, str]:
        said = [entry for one in incidents for entry in self._entries.get(one.key, ())]
        by_time = sorted(said, key=lambda entry: entry.at, reverse=True)
        return {entry.incident: entry.by for entry in by_time if entry.moment is Moment.ACKNOWLEDGED}

    def _forget_incidents(self, before: int) -> None:
        gone = [key for key, one in self._incidents.items() if one.closed is not None and one.closed < before]
        for key in gone:
            del self._incidents[key]
            self._entries.pop(key, None)
            self._exhibits.pop(key, None)

    def _between(self, since: int, until: int | None) -> list[Result]:
        """The results with slots from `since` to below `until`, oldest first."""
        wanted = [key for key in self._results if key[0] >= since and (until is None or key[0] < until)]
        return [self._results[key] for key in sorted(wanted)]

    def _last_attempts(self, since: int, until: int | None) -> list[Result]:
        return list({(one.slot, one.endpoint, one.location): one for one in self._between(since, until)}.values())

    def _weight(self) -> int:
        return len(self._results) * WEIGHT


def _known(registered: Registered) -> Known:
    endpoint = registered.endpoint
    return Known(
        id=registered.id,
        key=endpoint.key,
        name=endpoint.name,
        group=endpoint.group,
        target=endpoint.target,
        interval=endpoint.interval,
    )


def _was_open(incident: Incident, since: int, until: int) -> bool:
    return incident.opened < until and (incident.closed is None or incident.closed > since)


def _identity(result: Result) -> Identity:
    return result.slot, result.endpoint, result.location, result.attempt


def _newest(incident: Incident) -> tuple[int, int, str]:
    return incident.opened, incident.endpoint, incident.kind.value
