"""A clock for the client that runs as the machine's does, and can be put forward."""

import time


class ShiftedClock:
    """Monotonic seconds plus a shift."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.shift

    def advance(self, seconds: float) -> None:
        """Put the clock forward; timers already set do not notice."""
        self.shift += seconds
