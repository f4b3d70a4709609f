"""One endpoint as the pages see it: its state, its last result, the shape of its recent ones and its day.

Ten thousand of these take every result of the monitor, so `push` is plain and recent results are kept as five
bytes each; whole results live in the store.
"""

from array import array
from collections.abc import Iterable, Iterator

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally

KEPT = 60  # recent results whose latency and outcome are kept
DAY = 24

OUTCOMES = tuple(Outcome)
FAILED = 8  # added to the outcome's place where the check got no answer, so its time is no latency


class Entry:
    """The read model of one endpoint. `changed` is the board's sequence number of its last change."""

    __slots__ = (
        "changed",
        "codes",
        "day_known",
        "day_reached",
        "endpoint",
        "floor",
        "floor_attempt",
        "hour",
        "id",
        "known",
        "last",
        "last_cold",
        "latencies",
        "reached",
        "revision",
        "search",
        "state",
    )

    def __init__(self, registered: Registered) -> None:
        self.id = registered.id
        self.changed = 0
        self.state = EndpointState()
        self.last: Result | None = None
        self.last_cold: Result | None = None
        self.codes = bytearray()
        self.latencies = array("f")
        self.floor = self.floor_attempt = 0
        self.hour = 0
        self.reached = 0
        self.known = 0
        self.day_reached = array("q", bytes(8 * DAY))
        self.day_known = array("q", bytes(8 * DAY))
        self.describe(registered)

    def describe(self, registered: Registered) -> None:
        """Take the endpoint's own facts, now or after they changed; its history stays."""
        self.revision = registered.revision
        self.endpoint: Endpoint = registered.endpoint
        self.search = f"{self.endpoint.group} {self.endpoint.name} {self.endpoint.target}".lower()

    def push(self, result: Result, sequence: int) -> None:
        """Take one live result; one that a start already took from the store is passed over."""
        if result.slot <= self.floor and (result.slot, result.attempt) <= (self.floor, self.floor_attempt):
            return
        self.remember(result)
        hour = result.slot // HOUR
        if hour > self.hour:
            self._turn(hour)
        outcome = result.outcome
        if outcome is not Outcome.UNKNOWN and hour > self.hour - DAY:
            reached = outcome is not Outcome.DOWN
            self.day_reached[hour % DAY] += reached
            self.day_known[hour % DAY] += 1
            self.reached += reached
            self.known += 1
        self.changed = sequence

    def remember(self, result: Result) -> None:
        """Take one result's shape without counting it in the day, as a start does beside the tallies."""
        code = 0 if result.outcome is Outcome.UP else OUTCOMES.index(result.outcome)
        self.codes.append(code if result.failure is None else code + FAILED)
        self.latencies.append(result.timings.total * 1_000)
        if len(self.codes) > KEPT:
            del self.codes[0]
            del self.latencies[0]
        if result.connection is Connection.COLD and result.failure is None:
            self.last_cold = result
        self.last = result

    def restart(self, results: Iterable[Result]) -> None:
        """Forget the recent results and take these, oldest first."""
        self.codes = bytearray()
        self.latencies = array("f")
        for result in results:
            self.remember(result)
        if self.last is not None:
            self.floor, self.floor_attempt = self.last.slot, self.last.attempt

    def load_day(self, tallies: Iterable[Tally]) -> None:
        """Replace the day's counts by what the store has tallied."""
        self.day_reached = array("q", bytes(8 * DAY))
        self.day_known = array("q", bytes(8 * DAY))
        self.reached = self.known = self.hour = 0
        for tally in tallies:
            hour = tally.hour // HOUR
            if hour > self.hour:
                self._turn(hour)
            reached = tally.up + tally.degraded
            self.day_reached[hour % DAY] += reached
            self.day_known[hour % DAY] += reached + tally.down
            self.reached += reached
            self.known += reached + tally.down

    def _turn(self, hour: int) -> None:
        """Move on to `hour`: the hours that left the day no longer count."""
        for passed in range(max(self.hour + 1, hour - DAY + 1), hour + 1):
            self.reached -= self.day_reached[passed % DAY]
            self.known -= self.day_known[passed % DAY]
            self.day_reached[passed % DAY] = self.day_known[passed % DAY] = 0
        self.hour = hour

    def uptime(self) -> float | None:
        """The share of the last 24 hours' known results that were not down; None where nothing is known."""
        return self.reached / self.known if self.known else None

    def recent(self) -> Iterator[tuple[Outcome, float]]:
        """Outcome and milliseconds of the kept results, oldest first."""
        return ((OUTCOMES[code & 3], value) for code, value in zip(self.codes, self.latencies, strict=True))

    def percentiles(self) -> tuple[float | None, float | None]:
        """Median and 99th percentile, in milliseconds, of the kept results that got an answer."""
        answered = sorted(value for code, value in zip(self.codes, self.latencies, strict=True) if code < FAILED)
        if not answered:
            return None, None
        return answered[len(answered) // 2], answered[min(len(answered) - 1, len(answered) * 99 // 100)]
