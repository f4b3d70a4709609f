"""Whether a client has anything left to spend: for a load shedder's `full`."""

import math
import time
from collections.abc import Callable

from milkrun.client.errors import UsageError
from milkrun.client.stats import Stats
from milkrun.client.upstreams.numbers import at_least


def budget_spent(
    stats: Callable[[], Stats],
    *,
    share: float = 0.9,
    waiting: int = 0,
    every: float = 0.05,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], bool]:
    """Says whether a client has used up its budget: nearly all descriptors, or requests wait for one of its limits.

    Warm connections that are idle do not count: they make room for whoever needs it.

    Args:
        stats: the figures, `client.stats`; of a client that is made later, `lambda: client_of(app).stats()`.
        share: of the descriptors' budget; so much of it in use is all of it.
        waiting: how many requests may wait for the client's limits.
        every: seconds for which an answer holds: figures cost some 30 us.
        clock: monotonic seconds.
    """
    if not 0 < share <= 1:
        raise UsageError(f"share={share!r}: expected a share of the budget, more than 0 and at most 1")
    at_least(0, "waiting", waiting)
    known, until = False, -math.inf

    def spent() -> bool:
        nonlocal known, until
        now = clock()
        if now >= until:
            known, until = _is_spent(stats(), share, waiting), now + every
        return known

    return spent


def _is_spent(stats: Stats, share: float, waiting: int) -> bool:
    descriptors = stats["descriptors"]
    in_use = descriptors["used"] - stats["connections"]["idle"]
    return stats["queue"] > waiting or in_use >= share * descriptors["budget"]
