"""The five minutes that are still open, counted in memory. No I/O.

Five minutes close a minute after their end, by when no check of theirs still runs; what comes later is *late*, and
whoever stores it counts it. They are then handed out over the next minutes, a few at a time: to bin the latencies of
10,000 endpoints at once would hold the loop for half a second.
"""

from collections.abc import Iterable
from operator import itemgetter

from milkrun.core.observation import Connection
from milkrun.core.result import Result
from milkrun.core.rollup import FIVE_MINUTES_MS, GRACE_MS, WRITTEN_MS, Draft, Period, Rollup, draft, finish, fold

# `close` is called so often (ms) and hands all out in so many calls, twenty roll-ups each (half a millisecond) where
# there are 20,000; 20 s are left for the writing.
CLOSE_EVERY_MS = 100
CALLS = (WRITTEN_MS - GRACE_MS - 20_000) // CLOSE_EVERY_MS

NEVER = 1 << 62

_Key = tuple[int, str, Connection | None]


class OpenRollups:
    """Counts the last attempt of every slot, by five minutes. `rebuilt` is what a start goes on from."""

    def __init__(self, rebuilt: Iterable[Rollup] = ()) -> None:
        self._open: dict[int, dict[_Key, Draft]] = {}
        self._forgotten: set[int] = set()
        self._closed_before = self._latest = 0
        self._bite = 1
        self._closing: list[tuple[int, list[_Key]]] = []
        for rollup in rebuilt:
            key = (rollup.endpoint, rollup.location, rollup.connection)
            self._drafts(rollup.start)[key] = Draft(rollup=rollup)

    def count(self, result: Result) -> bool:
        """Count one result; False where its five minutes are closed, and whoever stores it shall count it."""
        start = result.slot - result.slot % FIVE_MINUTES_MS
        drafts = self._open.get(start)
        key = (result.endpoint, result.location, result.connection)
        known = None if drafts is None else drafts.get(key)
        if known is None:
            if start in self._forgotten:
                return True
            if start < self._closed_before:
                return False
            known = self._drafts(start)[key] = draft(Period.FIVE_MINUTES, result)
        fold(known, result)
        return True

    def forget(self, slot: int) -> None:
        """A result of this slot was counted and will not be stored: its five minutes are counted anew once over."""
        start = Period.FIVE_MINUTES.begin(slot)
        self._open.pop(start, None)
        self._forgotten.add(start)

    def close(self, now: int) -> list[Rollup]:
        """Take out some of what is closed at `now` (epoch ms). Slots may be ahead of a clock that was set back."""
        before = Period.FIVE_MINUTES.begin(max(now, self._latest) - GRACE_MS)
        if before > self._closed_before:
            self._closed_before = before
            closed = sorted([start for start in self._open if start < before], reverse=True)
            self._closing = [(start, _last_first(self._open[start])) for start in closed]
            self._bite = sum(len(keys) for _, keys in self._closing) // CALLS + 1
        return self._take(self._bite)

    def all(self) -> list[Rollup]:
        """All there is as it stands, for a clean stop to write; nothing is counted after."""
        self._closed_before = NEVER
        return [finish(each) for drafts in self._open.values() for each in drafts.values()]

    def recount(self) -> list[int]:
        """Take out the starts of forgotten five minutes (epoch ms) that are closed: only the store can count them."""
        closed = sorted(start for start in self._forgotten if start < self._closed_before)
        self._forgotten.difference_update(closed)
        return closed

    def _drafts(self, start: int) -> dict[_Key, Draft]:
        self._latest = max(self._latest, start)
        return self._open.setdefault(start, {})

    def _take(self, limit: int) -> list[Rollup]:
        taken: list[Rollup] = []
        while self._closing and len(taken) < limit:
            start, keys = self._closing[-1]
            closed = self._open.get(start, {}).pop(keys.pop(), None) if keys else None
            if closed is not None:
                taken.append(finish(closed))
            if not keys:
                self._open.pop(start, None)
                self._closing.pop()
        return taken


def _last_first(drafts: Iterable[_Key]) -> list[_Key]:
    """By endpoint, as the store keeps them: in the order of their slots each would be on a page of its own."""
    return sorted(drafts, key=itemgetter(0), reverse=True)


def open_begin(newest: int) -> int:
    """The start of the earliest five minutes that a crash may have kept from being written; a start counts from here.

    `newest` is the last slot (epoch ms) that has a stored result.
    """
    return max(0, Period.FIVE_MINUTES.begin(newest - WRITTEN_MS))
