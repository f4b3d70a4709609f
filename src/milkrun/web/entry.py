"""One endpoint as the pages see it: its state, its last result, the shape of its recent ones and its day.

Ten thousand of these take every result of the monitor, so `push` is plain and recent results are kept as five
bytes each; whole results live in the store.
"""

from array import array
from collections import deque
from collections.abc import Iterable

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally, fold, hour_of, uptime

KEPT = 60  # recent results whose latency and outcome are kept
DAY = 24

OUTCOMES = tuple(Outcome)
RANKS = {Outcome.DOWN: 0, Outcome.DEGRADED: 1, Outcome.UNKNOWN: 2, Outcome.UP: 3}
UP = RANKS[Outcome.UP]
FAILED = 8  # added to the outcome's place where the check got no answer, so its time is no latency


class Entry:
    """The read model of one endpoint. `changed` is the board's sequence number of its last change."""

    __slots__ = (
        "_codes",
        "_floor",
        "_hour_ends",
        "_hours",
        "_latencies",
        "_pushed",
        "changed",
        "endpoint",
        "id",
        "last",
        "last_cold",
        "rank",
        "revision",
        "search",
        "state",
    )

    def __init__(self, registered: Registered) -> None:
        self.id = registered.id
        self.changed = 0
        self.last: Result | None = None
        self.last_cold: Result | None = None
        self._codes = bytearray(KEPT)
        self._latencies = array("f", bytes(4 * KEPT))
        self._pushed = 0
        self._floor = (0, 0)
        self.describe(registered)
        self.settle(EndpointState())
        self.load_day(())

    def describe(self, registered: Registered) -> None:
        """Take the endpoint's own facts, now or after they changed; its history stays."""
        self.revision = registered.revision
        self.endpoint: Endpoint = registered.endpoint
        self.search = f"{self.endpoint.group} {self.endpoint.name} {self.endpoint.target}".lower()

    def settle(self, state: EndpointState) -> None:
        """Take a state; its rank is kept beside it, because lists are sorted by it ten thousand at a time."""
        self.state = state
        self.rank = RANKS[state.state]

    def push(self, result: Result, sequence: int) -> None:
        """Take one live result; one that a start already took from the store is passed over."""
        slot = result.slot
        if slot <= self._floor[0] and (slot, result.attempt) <= self._floor:
            return
        if not self.endpoint.retry.repeats(result.outcome, result.attempt):
            fold(self._hours[-1] if slot < self._hour_ends else self._turn(hour_of(slot)), result)
        self._remember(result)
        self.changed = sequence

    def _remember(self, result: Result) -> None:
        code = 0 if result.outcome is Outcome.UP else _code(result)
        pushed = self._pushed
        self._codes[pushed % KEPT] = code
        self._latencies[pushed % KEPT] = result.timings.total
        self._pushed = pushed + 1
        if result.connection is Connection.COLD and code < FAILED:
            self.last_cold = result
        self.last = result

    def restart(self, results: Iterable[Result]) -> None:
        """Forget the recent results and take these, oldest first, without counting them: the tallies have."""
        self._pushed = 0
        for result in results:
            self._remember(result)
        if self._pushed and self.last is not None:
            self._floor = (self.last.slot, self.last.attempt)

    def load_day(self, tallies: Iterable[Tally]) -> None:
        """Replace the day's counts by what the store has tallied, oldest first."""
        self._hours: deque[Tally] = deque()
        self._hour_ends = 0
        for tally in tallies:
            self._open(tally)

    def day(self) -> Iterable[Tally]:
        """The hours of the last day, oldest first, the open one last."""
        return self._hours

    def _turn(self, hour: int) -> Tally:
        """Begin another hour, and let those go that left the day.

        A result that comes late counts in the hour that is open: a day's share does not feel it.
        """
        return self._open(Tally(endpoint=self.id, hour=hour))

    def _open(self, tally: Tally) -> Tally:
        self._hours.append(tally)
        while self._hours[0].hour <= tally.hour - DAY * HOUR:
            self._hours.popleft()
        self._hour_ends = tally.hour + HOUR
        return tally

    def uptime(self) -> float | None:
        """The share of the last 24 hours' known results that were not down; None where nothing is known."""
        return uptime(self._hours)

    def recent(self, most: int = KEPT) -> list[tuple[int, float]]:
        """The last results, oldest first: the place of the outcome in OUTCOMES, and milliseconds."""
        first = max(0, self._pushed - min(most, KEPT))
        places = [n % KEPT for n in range(first, self._pushed)]
        return [(self._codes[n] & 3, self._latencies[n] * 1_000) for n in places]

    @property
    def maintained(self) -> bool:
        """Whether the last check fell in a maintenance window."""
        return self.last is not None and self.last.maintenance

    def percentiles(self) -> tuple[float | None, float | None]:
        """Median and 99th percentile, in milliseconds, of the kept results that got an answer."""
        kept = min(self._pushed, KEPT)
        answered = sorted(self._latencies[n] for n in range(kept) if self._codes[n] < FAILED)
        if not answered:
            return None, None
        return answered[len(answered) // 2] * 1_000, answered[min(len(answered) - 1, len(answered) * 99 // 100)] * 1_000


def _code(result: Result) -> int:
    code = OUTCOMES.index(result.outcome)
    return code if result.failure is None else code + FAILED
