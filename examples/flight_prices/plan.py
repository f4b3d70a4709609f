"""What both versions are put through: how many users come when, and how many descriptors there are.

Every number that the arithmetic, the load and the page have in common is from here or from the airlines.
"""

from collections.abc import Iterator

import msgspec

PROMISE = 0.9  # seconds: within which 99 of 100 users have their answer
PATIENCE = 3.0  # seconds: a user who has no answer by then has gone


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run: quiet, a peak in its middle third, and quiet again.

    Attributes:
        seconds: how long users come.
        quiet, peak: how many a second.
        limit: the service's descriptors (RLIMIT_NOFILE).
    """

    seconds: float = 30.0
    quiet: float = 6.0
    peak: float = 25.0
    limit: int = 128

    @property
    def peak_begins(self) -> float:
        """Seconds from the start."""
        return self.seconds / 3

    @property
    def peak_ends(self) -> float:
        """Seconds from the start."""
        return self.seconds * 2 / 3

    def rate(self, at: float) -> float:
        """Users a second, `at` seconds from the start."""
        return self.peak if self.peak_begins <= at < self.peak_ends else self.quiet

    def arrivals(self) -> Iterator[float]:
        """When users come, in seconds from the start: evenly, whether those before them have their answers or not."""
        at = 0.0
        while at < self.seconds:
            yield at
            at += 1 / self.rate(at)
