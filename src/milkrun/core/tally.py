"""An hour's tally of one endpoint: counts and sums that merge."""

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """What one endpoint did in one hour. `hour` is epoch ms, rounded down; latencies are milliseconds of `total`."""

    endpoint: int
    hour: int
    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    warm: int = 0
    warm_sum: float = 0.0
    warm_max: float = 0.0
    cold: int = 0
    cold_sum: float = 0.0
    cold_max: float = 0.0
