"""A latency sketch: counts by logarithmic bins. A quantile is off by 1% of its value at most, and sketches merge.

The bins are DDSketch's (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): bin i holds (gamma^(i-1), gamma^i], gamma = (1 + ERROR) / (1 - ERROR). What is said of a bin
is 2 gamma^i / (gamma + 1), which is off by ERROR at both of its ends and by less between them. There are as many bins
as the values need and none is ever collapsed, so merging in any order gives the same sketch.
"""

from collections.abc import Iterable
from math import ceil, log

import msgspec

from milkrun.core import sketch_bytes

ERROR = 0.01
GAMMA = (1 + ERROR) / (1 - ERROR)

_PER_LOG = 1 / log(GAMMA)
_MIDDLE = 2 / (GAMMA + 1)


class Sketch(msgspec.Struct, gc=False):
    """Counts by bin, of values in whole microseconds; what is below one counts as one."""

    bins: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.bins.values())

    def add(self, value: int) -> None:
        """Count one value."""
        self.add_all((value,))

    def add_all(self, values: Iterable[int]) -> None:
        """Count many values: 0.2 us each."""
        bins = self.bins
        for index in [ceil(log(value or 1) * _PER_LOG) for value in values]:
            bins[index] = bins.get(index, 0) + 1

    def merge(self, other: "Sketch") -> None:
        """Count all that `other` counts, which stays as it is."""
        bins = self.bins
        for index, count in other.bins.items():
            bins[index] = bins.get(index, 0) + count

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` (0 to 1) of the values lies at or below, in microseconds; None without any.

        Of n values in order it stands for number floor(q x (n - 1)), counted from 0, and is off by 1% of it at most.
        """
        rank = q * (self.count - 1)
        passed = 0
        for index in sorted(self.bins):
            passed += self.bins[index]
            if passed > rank:
                return float(_MIDDLE * GAMMA**index) if index else 1.0
        return None

    def encode(self) -> bytes:
        """The bins as bytes: about 15 for thirty values, 250 for a day's."""
        return sketch_bytes.encode(self.bins)

    @classmethod
    def decode(cls, data: bytes) -> "Sketch":
        """Read what `encode` wrote. Raises ValueError for anything else."""
        return cls(sketch_bytes.decode(data))
