"""A history in memory that a store's is held against: what it should hold after writes, upkeep and crashes."""

from collections.abc import Iterable
from random import Random

from msgspec.structs import asdict

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.core.slots import phase
from milkrun.store.protocol import Batch
from tests.support.history import START, a_result

INTERVAL = 60_000
FIVE = Period.FIVE_MINUTES
Identity = tuple[int, int, str, int]

_FAILURE = Failure(layer=Layer.CONNECT, kind="refused", message="no")


class Remembered:
    """Makes batches as a monitor does, by a plan that can be repeated, and remembers what they hold."""

    def __init__(self, plan: Random, endpoints: dict[int, str]) -> None:
        self.now = START
        self.results: dict[Identity, Result] = {}
        self._plan = plan
        self._endpoints = endpoints
        self._closed = START

    def batch(self) -> Batch:
        """What came of the next minutes, what was late, and the five minutes that closed."""
        began, self.now = self.now, self.now + self._plan.choice([60_000, 600_000, 1_800_000])
        closed = FIVE.begin(self.now - 60_000)
        usual = [one for endpoint in self._endpoints for one in self._due(endpoint, began)]
        again = self._plan.sample(sorted(self.results), min(2, len(self.results)))
        late = [self._late() for _ in range(self._plan.choice([0, 0, 3]))] + [self.results[key] for key in again]
        self._keep([*usual, *late])
        starts = range(self._closed, closed, FIVE.value)
        self._closed = closed
        return Batch(
            results=[one for one in usual if one.slot >= closed],
            late=[*[one for one in usual if one.slot < closed], *late],
            rollups=[rollup for rollup in self.rollups(FIVE) if rollup.start in starts],
        )

    def of(self, endpoint: int, since: int = 0, until: int = 1 << 62) -> list[Result]:
        """One endpoint's results, oldest first."""
        mine = (key for key in sorted(self.results) if key[1] == endpoint and since <= key[0] < until)
        return [self.results[key] for key in mine]

    def rollups(self, period: Period, before: int = 1 << 62) -> list[Rollup]:
        """What the roll-ups that start before a time should be."""
        last = {key[:3]: self.results[key] for key in sorted(self.results)}
        return roll_up(period, (one for one in last.values() if period.begin(one.slot) < before))

    def _due(self, endpoint: int, began: int) -> Iterable[Result]:
        offset = phase(self._endpoints[endpoint], INTERVAL)
        for slot in range(began + (offset - began) % INTERVAL, self.now, INTERVAL):
            if self._plan.random() < 0.9:
                yield self._result(endpoint, slot)

    def _late(self) -> Result:
        """On the beat or off it, of any time since the beginning; sometimes another attempt."""
        endpoint = self._plan.choice(sorted(self._endpoints))
        slot = self._plan.randrange(START, self.now)
        if self._plan.random() < 0.7:
            slot += (phase(self._endpoints[endpoint], INTERVAL) - slot) % INTERVAL
        return self._result(endpoint, min(slot, self.now - 1), attempt=self._plan.choice([1, 1, 2]))

    def _result(self, endpoint: int, slot: int, attempt: int = 1) -> Result:
        wait = self._plan.randrange(1, 90_000)
        outcome = self._plan.choice([Outcome.UP, Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN])
        connection = self._plan.choice([Connection.WARM, Connection.WARM, Connection.COLD, None])
        dns = 0 if connection is Connection.WARM else self._plan.randrange(3_000)
        return a_result(
            endpoint,
            slot,
            attempt=attempt,
            # One location a slot: which comes first is the store's to say.
            location="fra" if slot % 7 == 0 else "local",
            outcome=outcome,
            connection=connection,
            timings=Timings(dns=dns / 1e6, wait=wait / 1e6, total=(wait + dns + 7) / 1e6),
            failure=_FAILURE if outcome is Outcome.DOWN and wait % 2 else None,
            maintenance=wait % 11 == 0,
        )

    def _keep(self, some: Iterable[Result]) -> None:
        for one in some:
            self.results.setdefault((one.slot, one.endpoint, one.location, one.attempt), one)


def in_order(rollups: Iterable[Rollup]) -> list[dict[str, object]]:
    """Roll-ups as plain values, in the order of their identities."""
    return [asdict(one) for one in sorted(rollups, key=_identity)]


def _identity(rollup: Rollup) -> tuple[int, int, str, str]:
    return rollup.start, rollup.endpoint, rollup.location, rollup.connection or ""
