"""Roll-ups: what one endpoint did in one period, from one location, over one kind of connection. They merge.

A roll-up is a function of results: it is counted from them, never kept as a running total of its own.
"""

from enum import Enum

import msgspec

from milkrun.core.observation import Connection
from milkrun.core.sketch import Sketch

FIVE_MINUTES_MS = 300_000


class Period(Enum):
    """How long a roll-up is: milliseconds. Each begins at a multiple of its length since the epoch (UTC)."""

    FIVE_MINUTES = FIVE_MINUTES_MS
    HOUR = 12 * FIVE_MINUTES_MS
    DAY = 288 * FIVE_MINUTES_MS

    def begin(self, slot: int) -> int:
        """The beginning of the period that a slot falls in, both epoch ms."""
        return slot - slot % self.value


# The phases whose latencies are kept; the rest of `Timings` is what is left of `total`. Values are microseconds.
PHASES = ("dns", "connect", "tls", "wait", "receive", "total")


class Latency(msgspec.Struct, kw_only=True, gc=False):
    """The latencies of one phase, in whole microseconds; only checks that got an answer and had the phase count."""

    count: int = 0
    sum: int = 0
    min: int = 0
    max: int = 0
    sketch: Sketch = msgspec.field(default_factory=Sketch)


class Rollup(msgspec.Struct, kw_only=True):
    """What happened. Identity is (period, start, endpoint, location, connection); `start` is epoch ms.

    Counts are of slots, by the outcome of their last attempt; those under maintenance are in `maintenance` alone.
    `connection` is None for results that came over none.
    """

    period: Period
    start: int
    endpoint: int
    location: str
    connection: Connection | None
    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0
    phases: dict[str, Latency] = {}
