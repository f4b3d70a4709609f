"""The hours that are still open, counted in memory: one tally an endpoint and hour. No I/O."""

from collections.abc import Iterable

from milkrun.core.result import Result
from milkrun.core.tally import HOUR, Tally, fold, hour_of

# A check belongs to its slot's hour and may end in the next one; after this long (ms) no check still does.
STRAGGLERS = 900_000


class OpenTallies:
    """Counts the last attempt of every slot. An hour closes a quarter of an hour after its end."""

    def __init__(self, rebuilt: Iterable[Tally] = ()) -> None:
        self._open = {(tally.endpoint, tally.hour): tally for tally in rebuilt}
        self._closed_before = 0

    def count(self, result: Result) -> None:
        """Count one result; a straggler of an hour already closed stays out, for it would replace that hour."""
        hour = hour_of(result.slot)
        tally = self._open.get((result.endpoint, hour))
        if tally is None:
            if hour < self._closed_before:
                return
            tally = self._open[result.endpoint, hour] = Tally(endpoint=result.endpoint, hour=hour)
        fold(tally, result)

    def close(self, now: int) -> list[Tally]:
        """Take out the hours that are over at `now` (epoch ms)."""
        closed_before = open_hours_begin(now)
        if closed_before == self._closed_before:
            return []
        self._closed_before = closed_before
        over = [key for key in self._open if key[1] < closed_before]
        return [self._open.pop(key) for key in over]

    def all(self) -> list[Tally]:
        """The open hours as they stand, for a clean stop to write."""
        return list(self._open.values())


def open_hours_begin(now: int) -> int:
    """The earliest hour that is still open at `now`: a start counts anew from here, at the newest result."""
    return hour_of(now - STRAGGLERS) if now > HOUR else 0
