"""How long a letter waits for others to go with it. Rules over monotonic seconds; no I/O.

It is counted from when the worker finds something due, not from a slot: what a check took to fail would be lost to the
wait. While more keeps coming a letter waits on, for twice as long at most: ten thousand outages of one second are
committed over several.
"""

# Of the patience, so long after the last news nothing more is expected.
CALM = 0.25


class Gathering:
    """The wait of one channel's next letter."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._news = 0.0

    def hear(self, now: float) -> None:
        """Something was committed."""
        self._news = now

    def left(self, now: float, patience: float) -> float:
        """Seconds until the letter goes; the first to ask begins the wait."""
        if self._began is None:
            self._began = now
        calm = max(self._began + patience, self._news + CALM * patience)
        return min(calm, self._began + 2 * patience) - now

    def end(self) -> None:
        """The letter goes."""
        self._began = None
