"""The time slots are counted in: the wall clock, made never to run backwards.

Slots are epoch milliseconds, so they follow the wall clock; but a wall clock can be set. The rules:
- A step forward, or a machine that slept (the same thing to a process), is a jump: the time between was not lived
  through, and whoever asked is told, once.
- A step back must not make a slot run twice. The timeline goes on as if the clock had not been touched: it leads
  the wall clock by the step, until a step forward gives it back or Milkrun starts again.
- A step under a second is a clock being kept right: followed forward, and waited out backward.
"""

import msgspec

from milkrun.clock import Clock

STEP = 1.0


class Reading(msgspec.Struct, frozen=True, gc=False):
    """`now` in epoch milliseconds; `jumped_from` is where the timeline stood before it jumped, else None."""

    now: int
    jumped_from: int | None = None


class Timeline:
    """Epoch milliseconds that only grow. `begins` (epoch ms) is where it starts if the wall clock stands before it."""

    def __init__(self, clock: Clock, *, begins: int = 0) -> None:
        self._clock = clock
        self._lead = max(0.0, begins / 1_000 - clock.wall())
        self._distance = clock.wall() - clock.now()
        self._last = clock.wall() + self._lead

    def read(self) -> Reading:
        """The time now, and whether it jumped since the last reading."""
        wall = self._clock.wall()
        step = wall - self._clock.now() - self._distance
        self._distance += step
        before = self._last
        if step <= -STEP:
            self._lead -= step
        elif step >= STEP:
            return self._jump(wall, step)
        self._last = max(before, wall + self._lead)
        return Reading(int(self._last * 1_000))

    def late(self, slot: int) -> float:
        """Seconds that `slot` (epoch ms) is past."""
        return self._clock.wall() + self._lead - slot / 1_000

    def monotonic(self, slot: int) -> float:
        """The monotonic reading at which `slot` is due, a slot already past being due now."""
        return self._clock.now() + max(0.0, -self.late(slot))

    def _jump(self, wall: float, step: float) -> Reading:
        """A step forward first gives back what steps back have taken; only the rest of it is a jump."""
        lived = max(self._last, wall - step + self._lead)
        self._lead = max(0.0, self._lead - step)
        self._last = max(lived, wall + self._lead)
        jumped = self._last - lived >= STEP
        return Reading(int(self._last * 1_000), int(lived * 1_000) if jumped else None)
