"""A latency sketch: counts by logarithmic bins. A quantile is off by 1% of its value at most, and sketches merge.

The bins are DDSketch's (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): bin i holds (gamma^(i-1), gamma^i], gamma = (1 + ERROR) / (1 - ERROR).
"""

import msgspec

ERROR = 0.01


class Sketch(msgspec.Struct, gc=False):
    """Counts by bin, of values in whole microseconds; what is below one counts as one."""

    bins: dict[int, int] = {}
