"""How late the event loop is: what decides whether a timeout was the target's fault or ours."""

from collections import deque

from milkrun.clock import Clock
from milkrun.monitor.histogram import Lately

# A tick is a wake-up, and at fifty endpoints wake-ups are most of what monitoring costs.
TICK = 0.25
_KEPT_TICKS = 480


class LagMeter:
    """Ticks four times a second and remembers how late each tick was, for two minutes.

    A tick that is overdue counts before it has run: of the timers a held loop fires afterwards, a check's timeout
    may come before the tick.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected = clock.now() + TICK
        self._ticks: deque[tuple[float, float]] = deque([(clock.now(), 0.0)], maxlen=_KEPT_TICKS)
        self._lately = Lately(clock)
        self.summary_ms = self._lately.summary_ms

    def since(self, began: float) -> float:
        """The worst lag in seconds at any time since `began` (monotonic)."""
        worst = self._clock.now() - self._expected
        if began > self._ticks[-1][0]:  # as most checks, which end between two ticks
            return max(0.0, worst)
        for at, lag in reversed(self._ticks):
            if at < began:
                break
            worst = max(worst, lag)
        return max(0.0, worst)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            self._expected = self._clock.now() + TICK
            await self._clock.sleep_until(self._expected)
            now = self._clock.now()
            lag = max(0.0, now - self._expected)
            self._ticks.append((now, lag))
            self._lately.add(lag)
