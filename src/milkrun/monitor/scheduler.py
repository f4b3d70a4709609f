"""Sends every endpoint's check out on time: one sleeping task per interval, however many endpoints it has.

Fixed rate: slots are anchored to the epoch, so nothing drifts. When a wake comes late, each endpoint's latest slot is
checked, late, and the ones before it are skipped; of a very long silence only the last rounds are told slot by slot,
and the rest is one gap, for there is no use in a million rows that all say the same.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from milkrun.clock import Clock
from milkrun.monitor.route import Route, Stop
from milkrun.monitor.runner import Runner
from milkrun.monitor.timeline import Timeline
from milkrun.store.protocol import Gap

# Due slots gather for so long before a dense route wakes again (ms): a wake costs as much as a check.
GATHER = 5
# Started before other tasks get their turn; more would hold the loop for over 5 ms.
BITE = 100
# Missed rounds that are told slot by slot.
TOLD_ROUNDS = 3
# A sleep ends after so many seconds at the latest, to notice a wall clock that was set.
LONGEST_SLEEP = 2.0


class GapKeeper(Protocol):
    """Where gaps go."""

    def gap(self, gap: Gap) -> None:
        """Keep a stretch of time in which nothing was checked."""


class Scheduler:
    """Routes by interval. `apply` changes who is on them; `run` drives them until cancelled."""

    def __init__(self, *, clock: Clock, timeline: Timeline, runner: Runner, gaps: GapKeeper) -> None:
        self._clock = clock
        self._timeline = timeline
        self._runner = runner
        self._gaps = gaps
        self._told_until = 0
        self._routes: dict[int, Route] = {}
        self._drivers: dict[int, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody to visit."""
        return not self._routes

    async def run(self) -> None:
        """Drive the routes from now on until cancelled; running checks are the runner's and go on."""
        now = self._now()
        async with asyncio.TaskGroup() as self._group:
            for interval, route in self._routes.items():
                route.skip_to(now)
                self._drive(interval)
            await asyncio.get_running_loop().create_future()

    def apply(self, *, arriving: Iterable[Stop] = (), leaving: Iterable[Stop] = ()) -> None:
        """Put stops on their routes and take others off. Slots that were already due keep their outcome."""
        gone, come = _by_interval(leaving), _by_interval(arriving)
        now = self._now()
        for interval in gone.keys() | come.keys():
            route = self._routes.setdefault(interval, Route(interval, now))
            self._launch(route, now, limit=len(route.stops) * (TOLD_ROUNDS + 1))
            route.discard(gone.get(interval, frozenset()))
            route.add(come.get(interval, frozenset()))
            if not route.stops:
                del self._routes[interval]
            self._drive(interval)

    def _drive(self, interval: int) -> None:
        """(Re)start a route's driver, so that it sleeps until what is now its next slot."""
        driver = self._drivers.pop(interval, None)
        if driver is not None:
            driver.cancel()
        if self._group is not None and interval in self._routes:
            name = f"route of {interval} ms"
            self._drivers[interval] = self._group.create_task(self._follow(self._routes[interval]), name=name)

    async def _follow(self, route: Route) -> None:
        while True:
            wake = self._timeline.monotonic(max(route.next_slot(), route.position + GATHER))
            await self._clock.sleep_until(min(wake, self._clock.now() + LONGEST_SLEEP))
            while self._launch(route, self._now(), limit=BITE):
                await self._clock.sleep_until(0)

    def _launch(self, route: Route, now: int, *, limit: int) -> bool:
        """Give up to `limit` due slots their check or their outcome; says whether more are due."""
        self._leave_gap(route, now - TOLD_ROUNDS * route.interval)
        missed = now - route.interval
        for stop, slot in route.take(now, limit):
            if slot <= missed:
                self._runner.skip(stop, slot, "Milkrun itself was held up past the next slot")
            elif stop.task is not None:
                self._runner.skip(stop, slot, "the last check was still running")
            else:
                self._runner.start(stop, slot)
        return route.position < now

    def _leave_gap(self, route: Route, until: int) -> None:
        if route.stops and route.position < until:
            self._tell_gap(route.position, until, "Milkrun itself was held up")
            route.skip_to(until)

    def _now(self) -> int:
        reading = self._timeline.read()
        if reading.jumped_from is not None:
            self._jump(reading.jumped_from, reading.now)
        return reading.now

    def _jump(self, before: int, after: int) -> None:
        """Time passed that was not lived through: what was due before it keeps its outcome, the rest is a gap."""
        for route in self._routes.values():
            self._launch(route, before, limit=len(route.stops) * (TOLD_ROUNDS + 1))
            route.skip_to(after)
        self._tell_gap(before, after, "the clock was set forward, or the machine slept")

    def _tell_gap(self, began: int, ended: int, reason: str) -> None:
        """Every route notices the same silence: tell each stretch of it once."""
        began = max(began, self._told_until)
        if began < ended:
            self._told_until = ended
            self._gaps.gap(Gap(began=began, ended=ended, reason=reason))


def _by_interval(stops: Iterable[Stop]) -> dict[int, set[Stop]]:
    routes: dict[int, set[Stop]] = {}
    for stop in stops:
        routes.setdefault(stop.registered.endpoint.interval, set()).add(stop)
    return routes
