"""Service level objectives: what share of checks was to be well, what share was, and how fast the rest is spent.

Rules, after Google's Site Reliability Workbook (chapters 2 and 5, "Implementing SLOs" and "Alerting on SLOs"):
- An event is a slot. `up` and `degraded` are good, `down` is bad.
- `unknown` (Milkrun's own trouble) and slots under maintenance are no events: left out, and shown beside.
- The error budget is the share that may be bad, 1 - target, of the events there were.
- The burn rate is how many times faster than that the budget is spent: at 1 it lasts exactly the window.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from milkrun.core.rollup import Rollup

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# What is shown of how the budget burns, beside the objective's own window.
SHOWN_WINDOWS = (HOUR, 6 * HOUR, DAY)


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """The share of events that are to be good (above 0, below 1) over a rolling window of so many ms."""

    target: float
    window: int = 30 * DAY


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Slots by what they came to."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            up=self.up + other.up,
            degraded=self.degraded + other.degraded,
            down=self.down + other.down,
            unknown=self.unknown + other.unknown,
            maintenance=self.maintenance + other.maintenance,
        )

    @property
    def events(self) -> int:
        """The slots that count: of which something is known, outside of maintenance."""
        return self.up + self.degraded + self.down

    @property
    def slots(self) -> int:
        """All slots that have an outcome."""
        return self.events + self.unknown + self.maintenance

    @property
    def availability(self) -> float | None:
        """The share of events that were good, 0 to 1; None without events."""
        return (self.up + self.degraded) / self.events if self.events else None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """An error budget. `allowed`, `spent` and `left` (below 0 when overspent) are milliseconds of downtime.

    `share` is what is left of it, 1 for all: below 0 when more was spent than there was.
    """

    allowed: int
    spent: int
    left: int
    share: float


class Alarm(StrEnum):
    """How much a burn rate matters: somebody should look now, or some day soon."""

    PAGE = "page"
    TICKET = "ticket"


class Burning(msgspec.Struct, frozen=True, kw_only=True):
    """When a budget burns too fast: a share of it goes in `long` ms, and still does over the last `short` ms."""

    alarm: Alarm
    share: float
    long: int
    short: int

    def rate(self, objective: Objective) -> float:
        """The burn rate that spends `share` of the budget in `long`."""
        return self.share * objective.window / self.long


# The workbook's recommended lines, the most urgent first. Over 30 days the rates are 14.4, 6 and 1.
ALARMS = (
    Burning(alarm=Alarm.PAGE, share=0.02, long=HOUR, short=5 * MINUTE),
    Burning(alarm=Alarm.PAGE, share=0.05, long=6 * HOUR, short=30 * MINUTE),
    Burning(alarm=Alarm.TICKET, share=0.10, long=3 * DAY, short=6 * HOUR),
)
# All windows (ms) that `alarm` asks the counts of.
ALARM_WINDOWS = tuple(sorted({window for each in ALARMS for window in (each.long, each.short)}))


def counts(rollups: Iterable[Rollup]) -> Counts:
    """The slots of many roll-ups together."""
    up = degraded = down = unknown = maintenance = 0
    for rollup in rollups:
        up += rollup.up
        degraded += rollup.degraded
        down += rollup.down
        unknown += rollup.unknown
        maintenance += rollup.maintenance
    return Counts(up=up, degraded=degraded, down=down, unknown=unknown, maintenance=maintenance)


def budget(objective: Objective, found: Counts, covered: int) -> Budget | None:
    """The error budget over `covered` ms in which Milkrun was checking; None without events.

    Each slot stands for as much of that time as any other; what of it does not count is no time of the budget's.
    """
    if not found.events:
        return None
    counted = covered * found.events / found.slots
    allowed = counted * (1 - objective.target)
    spent = counted * found.down / found.events
    share = 1 - found.down / (found.events * (1 - objective.target))
    return Budget(allowed=round(allowed), spent=round(spent), left=round(allowed) - round(spent), share=share)


def burn_rate(objective: Objective, found: Counts) -> float | None:
    """How many times faster than allowed the budget was spent; None without events."""
    return found.down / found.events / (1 - objective.target) if found.events else None


def alarm(objective: Objective, found: Mapping[int, Counts]) -> Burning | None:
    """The most urgent line of ALARMS that holds. `found` are the counts by window, for each of ALARM_WINDOWS.

    A line whose window is longer than the objective's own says nothing of it.
    """
    for each in ALARMS:
        rates = [burn_rate(objective, found[window]) for window in (each.long, each.short)]
        if each.long <= objective.window and all(_reaches(rate, each.rate(objective)) for rate in rates):
            return each
    return None


def _reaches(rate: float | None, limit: float) -> bool:
    return rate is not None and rate >= limit


def covered(since: int, until: int, gaps: Iterable[tuple[int, int]]) -> int:
    """The milliseconds from `since` to `until` that no gap (began, ended) is in; gaps may overlap."""
    time, left_off = max(0, until - since), since
    for began, ended in sorted(gaps):
        begin, end = max(began, left_off), min(ended, until)
        if begin < end:
            time -= end - begin
            left_off = end
    return time
