"""A loop that has timers and nothing else, on a clock that tests move by hand."""

from collections.abc import Callable


class Timer:
    """A timer set: when, for what, and whether it still is."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self) -> None:
        """It will not strike."""
        self.cancelled = True


class TimerLoop:
    """As much of a loop as has timers. `now` is its clock."""

    def __init__(self) -> None:
        self.time = 100.0
        self.timers: list[Timer] = []

    def now(self) -> float:
        """Its clock."""
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """As the loop's own."""
        self.timers.append(Timer(self.time + delay, callback))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due strike in order."""
        end = self.time + seconds
        while due := [timer for timer in self.live() if timer.when <= end]:
            first = min(due, key=lambda timer: timer.when)
            self.timers.remove(first)
            self.time = max(self.time, first.when)
            first.callback()
        self.time = end

    def live(self) -> list[Timer]:
        """The timers that still will strike."""
        return [timer for timer in self.timers if not timer.cancelled]
