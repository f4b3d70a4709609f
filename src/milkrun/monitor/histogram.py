"""Durations in bounded memory: how late, how slow, lately."""

from collections import deque

from milkrun.clock import Clock

WINDOW_PARTS = 5
PART_SECONDS = 60.0

# A bucket keeps this many significant bits of a duration in microseconds: each is at most a sixteenth wide.
_BITS = 5
_LINEAR = 1 << _BITS


class Histogram:
    """Counts of durations in buckets that grow with them, a sixteenth wide; `worst` is exact, in seconds."""

    __slots__ = ("count", "counts", "worst")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = 0
        self.worst = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; one below zero counts as zero."""
        us = int(seconds * 1_000_000) if seconds > 0 else 0
        shift = us.bit_length() - _BITS
        bucket = us if shift <= 0 else (shift << (_BITS - 1)) + (us >> shift)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.count += 1
        if seconds > self.worst:
            self.worst = seconds

    def merge(self, other: "Histogram") -> None:
        """Add everything `other` has counted."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.count += other.count
        self.worst = max(self.worst, other.worst)

    def quantile(self, share: float) -> float:
        """The duration in seconds that `share` of all stay at or below, to a sixteenth; 0 without any."""
        rank = share * self.count
        for bucket in sorted(self.counts):
            rank -= self.counts[bucket]
            if rank <= 0:
                return min(_upper_edge(bucket), self.worst)
        return self.worst


class Lately:
    """Durations of the last five minutes: an old hiccup does not colour today's figures."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parts: deque[Histogram] = deque([Histogram()], maxlen=WINDOW_PARTS)
        self._turns = clock.now() + PART_SECONDS
        self.add = self._parts[-1].add

    def summary_ms(self) -> dict[str, float]:
        """`p50`, `p99` and `max` in milliseconds. Asked for regularly, for this is also what forgets."""
        self._forget()
        total = Histogram()
        for part in self._parts:
            total.merge(part)
        figures = {"p50": total.quantile(0.50), "p99": total.quantile(0.99), "max": total.worst}
        return {name: round(seconds * 1_000, 3) for name, seconds in figures.items()}

    def _forget(self) -> None:
        while self._clock.now() >= self._turns:
            self._parts.append(Histogram())
            self._turns += PART_SECONDS
        self.add = self._parts[-1].add


def _upper_edge(bucket: int) -> float:
    shift = max(0, (bucket >> (_BITS - 1)) - 1)
    mantissa = bucket - (shift << (_BITS - 1))
    return (((mantissa + 1) << shift) - 1) / 1_000_000 if bucket >= _LINEAR else bucket / 1_000_000
