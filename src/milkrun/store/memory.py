"""The Store in memory: for tests of what is built on one, and for a run that keeps nothing."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import Tally, fold, hour_of
from milkrun.store.protocol import Batch, Gap, Page, Pruned, Storage

# What a result is taken to weigh, in bytes, where a budget asks.
WEIGHT = 1_000

# Results removed in one bite.
BITE = 10_000

Identity = tuple[int, int, str, int]


class MemoryStore:
    """A Store that dies with its process. Its verbs do not wait, so each is one transaction by itself."""

    def __init__(self) -> None:
        self._registered: dict[str, Registered] = {}
        self._results: dict[Identity, Result] = {}
        self._states: dict[int, EndpointState] = {}
        self._incidents: dict[tuple[int, int], Incident] = {}
        self._tallies: dict[tuple[int, int], Tally] = {}
        self._gaps: dict[int, Gap] = {}

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id and revision."""
        return [self._register(endpoint) for endpoint in endpoints]

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state."""
        return dict(self._states)

    async def write(self, batch: Batch) -> None:
        """Commit one flush."""
        for result in batch.results:
            self._results.setdefault(_identity(result), result)
        self._states |= batch.states
        open_ones = [state.incident for state in batch.states.values() if state.incident is not None]
        for incident in (*open_ones, *batch.incidents):
            self._incidents[incident.opened, incident.endpoint] = incident
        for tally in batch.tallies:
            self._tallies[tally.hour, tally.endpoint] = replace(tally)
        self._gaps |= {gap.began: gap for gap in batch.gaps}

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint, oldest first."""
        found: dict[int, list[Result]] = {}
        for result in self._ordered():
            if result.slot >= since:
                found.setdefault(result.endpoint, []).append(result)
        return {endpoint: results[-per_endpoint:] for endpoint, results in found.items()}

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first."""
        found = [
            result
            for result in self._ordered()
            if result.endpoint == endpoint and (before is None or result.slot < before)
        ]
        return found[::-1][:limit]

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours, oldest first."""
        return [
            replace(tally)
            for (hour, owner), tally in sorted(self._tallies.items())
            if hour >= since and endpoint in {None, owner}
        ]

    async def tally(self, *, since: int) -> list[Tally]:
        """Count the raw results by endpoint and hour."""
        found: dict[tuple[int, int], Tally] = {}
        for result in self._results.values():
            if result.slot >= since:
                hour = hour_of(result.slot)
                fold(found.setdefault((hour, result.endpoint), Tally(endpoint=result.endpoint, hour=hour)), result)
        return [tally for _, tally in sorted(found.items())]

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
        wanted = None if states is None else set(states)
        found = [
            incident
            for _, incident in sorted(self._incidents.items(), reverse=True)
            if endpoint in {None, incident.endpoint}
            and not (open_only and incident.closed is not None)
            and (wanted is None or incident.state in wanted)
        ]
        return Page(items=tuple(found[offset : offset + limit]), total=len(found))

    async def gaps(self, *, since: int) -> list[Gap]:
        """Gaps, oldest first."""
        return [gap for _, gap in sorted(self._gaps.items()) if gap.ended > since]

    async def storage(self) -> Storage:
        """Sizes and range."""
        slots = [slot for slot, *_ in self._results]
        return Storage(bytes=self._weight(), oldest=min(slots, default=None), newest=max(slots, default=None))

    async def prune(self, *, before: int, max_bytes: int) -> Pruned:
        """Remove one bite."""
        oldest = sorted(self._results)[:BITE]
        gone = [identity for identity in oldest if identity[0] < before]
        if not gone:
            gone = oldest[: max(0, -(-(self._weight() - max_bytes) // WEIGHT))]
        for identity in gone:
            del self._results[identity]
        return Pruned(results=len(gone), more=len(gone) == BITE)

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

    def _ordered(self) -> list[Result]:
        return [result for _, result in sorted(self._results.items(), key=_key)]

    def _weight(self) -> int:
        return len(self._results) * WEIGHT


def _identity(result: Result) -> Identity:
    return result.slot, result.endpoint, result.location, result.attempt


def _key(item: tuple[Identity, Result]) -> Identity:
    return item[0]
