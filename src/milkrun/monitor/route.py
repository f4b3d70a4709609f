"""A route: the endpoints of one interval in the order of their phases, and how far along it we are. No I/O."""

from asyncio import Task
from bisect import bisect_right
from collections.abc import Collection, Iterable
from operator import attrgetter

from milkrun.core.endpoint import Registered
from milkrun.core.maintenance import Calendar
from milkrun.core.slots import phase
from milkrun.probes.protocol import Probe

_by_phase = attrgetter("phase")


class Stop:
    """One endpoint on its route: how to check it, when it is under maintenance, and the check that is running."""

    __slots__ = ("calendar", "phase", "probe", "registered", "task")

    def __init__(self, registered: Registered, probe: Probe, calendar: Calendar | None = None) -> None:
        self.registered = registered
        self.probe = probe
        self.calendar = calendar
        self.phase = phase(registered.endpoint.key, registered.endpoint.interval)
        self.task: Task[None] | None = None


class Route:
    """Hands out each slot of its stops exactly once, in order; `position` (epoch ms) is how far it has been."""

    def __init__(self, interval: int, position: int) -> None:
        self.interval = interval
        self.position = position
        self.stops: list[Stop] = []
        self._base = 0
        self._index = 0

    def add(self, stops: Iterable[Stop]) -> None:
        """Take stops up; their first slot is the first after `position`."""
        self.stops.extend(stops)
        self.stops.sort(key=_by_phase)
        self.skip_to(self.position)

    def discard(self, gone: Collection[Stop]) -> None:
        """Leave stops out from now on."""
        self.stops = [stop for stop in self.stops if stop not in gone]
        self.skip_to(self.position)

    def skip_to(self, position: int) -> None:
        """Go on after `position`: slots up to it are not handed out."""
        self.position = position
        self._base = position - position % self.interval
        self._index = bisect_right(self.stops, position - self._base, key=_by_phase)
        self._wrap()

    def next_slot(self) -> int:
        """The next slot to be handed out. An empty route has none."""
        return self._base + self.stops[self._index].phase

    def take(self, until: int, limit: int) -> list[tuple[Stop, int]]:
        """Hand out the slots up to `until`, stopping after about `limit`: never between two stops of one slot."""
        taken: list[tuple[Stop, int]] = []
        while self.stops:
            stop = self.stops[self._index]
            slot = self._base + stop.phase
            if slot > until:
                break
            if len(taken) >= limit and slot > self.position:
                return taken
            taken.append((stop, slot))
            self.position = slot
            self._index += 1
            self._wrap()
        self.position = max(self.position, until)
        return taken

    def _wrap(self) -> None:
        if self._index >= len(self.stops):
            self._index = 0
            self._base += self.interval
