"""Which connections stay warm when the descriptor budget is smaller than the number of origins.

A stable subset does. Evicting the least recently used connection, as caches do, gives under cyclic visits a hit
rate of zero with a single origin too many: each is evicted just before its turn. So a newcomer's connection is
closed after its use, unless an idle one is overdue: past the time at which, by its last gap, it was to be used
again. A part of the budget is left for the newcomers in flight.
"""

from collections import deque
from collections.abc import Callable, Iterable

from milkrun.client.exchange.link import Link
from milkrun.client.pool.descriptors import Descriptors

_RESERVE = 16  # one descriptor in so many is left for newcomers
_SLACK = 1.5  # how many of its gaps a connection may be idle before it is overdue
_UNKNOWN_GAP = 60.0  # seconds; of a connection that has been used once only
_SCAN_EVERY = 1.0  # seconds: so the scan costs the same whatever the rate of requests


def warm_part(budget: int) -> int:
    """How many connections of a budget are kept warm."""
    return budget - budget // _RESERVE


def is_overdue(connection: Link, now: float) -> bool:
    """Whether an idle connection is past its expected next use."""
    return now > connection.returned + _SLACK * min(connection.gap, _UNKNOWN_GAP)


class Overdue:
    """The idle connections past their expected next use, found by a scan at most once a second."""

    def __init__(self) -> None:
        self._found: deque[Link] = deque()
        self._next_scan = 0.0

    def pop(self, idle: Iterable[Link], now: float) -> Link | None:
        """One of the `idle` that is overdue, or None."""
        if not self._found and now >= self._next_scan:
            self._next_scan = now + _SCAN_EVERY
            self._found.extend(connection for connection in idle if is_overdue(connection, now))
        while self._found:
            connection = self._found.popleft()
            if connection.is_idle and is_overdue(connection, now):
                return connection
        return None


class Warmth:
    """What of a budget is kept warm.

    Args:
        descriptors: the budget.
        idle: gives the idle connections.
    """

    def __init__(self, descriptors: Descriptors, idle: Callable[[], Iterable[Link]]) -> None:
        self._descriptors = descriptors
        self._part = warm_part(descriptors.budget)
        self._idle = idle
        self._overdue = Overdue()

    def is_beyond(self, connection: Link) -> bool:
        """Whether it is a newcomer's, and there are as many as are kept warm without it."""
        return connection.uses == 1 and self._descriptors.used > self._part

    def overdue(self, now: float) -> Link | None:
        """An idle connection past its expected next use, if one is known."""
        return self._overdue.pop(self._idle(), now)
