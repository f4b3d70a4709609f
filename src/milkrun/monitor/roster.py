"""Who is monitored: changes from a source become registered endpoints, probes, stops on routes, and news."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from milkrun.clock import Clock
from milkrun.config.source import EndpointChanges
from milkrun.core.endpoint import Registered
from milkrun.core.maintenance import Calendar, Window
from milkrun.monitor.domains import Domains
from milkrun.monitor.guard import Guard
from milkrun.monitor.live import EndpointsChanged, Live
from milkrun.monitor.route import Stop
from milkrun.monitor.scheduler import Scheduler
from milkrun.probes.protocol import ProbeMaker
from milkrun.store.protocol import Store

# Probes made before other tasks get their turn; more would hold the loop for over 5 ms.
BITE = 50


class Roster:
    """Everybody on the routes, by key. One change at a time; only what changed is touched."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        live: Live,
        makers: Mapping[str, ProbeMaker],
        scheduler: Scheduler,
        guard: Guard,
        domains: Domains,
    ) -> None:
        self._clock = clock
        self._store = store
        self._live = live
        self._makers = makers
        self._scheduler = scheduler
        self._guard = guard
        self._domains = domains
        self._stops: dict[str, Stop] = {}
        self._calendars: dict[tuple[Window, ...], Calendar] = {}

    async def apply(self, change: EndpointChanges) -> None:
        """Make a change, whole. Raises StoreError with nothing changed; it may be applied again."""
        registered = await self._store.register([*change.added, *change.changed])
        await self._put(registered)
        self._remove([key for key in change.removed if key in self._stops])

    async def _put(self, registered: Sequence[Registered]) -> None:
        """Monitor these from now on, changed ones in the place of what has their key.

        A check that is under way ends by the old rules, and its result refers to the old revision.
        """
        if not registered:
            return
        arriving = [stop async for stop in self._made(registered)]
        replaced = [self._stops[key] for key in map(_key, arriving) if key in self._stops]
        self._stops.update((_key(stop), stop) for stop in arriving)
        self._live.publish(EndpointsChanged(registered=tuple(registered), removed=()))
        self._guard.watch(registered, self._now())
        self._domains.watch(registered, self._now())
        self._scheduler.apply(arriving=arriving, leaving=replaced)

    def _remove(self, keys: Sequence[str]) -> None:
        """Monitor these no more: a check under way is cancelled, streaks end, an open incident is closed."""
        if not keys:
            return
        leaving = [self._stops.pop(key) for key in keys]
        self._scheduler.apply(leaving=leaving)
        now = self._now()
        for stop in leaving:
            if stop.task is not None:
                stop.task.cancel()
            self._guard.retire(stop.registered.id, now)
            self._domains.retire(stop.registered.id)
        self._live.publish(EndpointsChanged(registered=(), removed=tuple(stop.registered.id for stop in leaving)))

    def retire_unknown(self, states: Iterable[int]) -> None:
        """Of the endpoints a store remembers, close what belongs to those that are monitored no more."""
        present = {stop.registered.id for stop in self._stops.values()}
        now = self._now()
        for endpoint in states:
            if endpoint not in present:
                self._guard.retire(endpoint, now)

    def _now(self) -> int:
        return int(self._clock.wall() * 1_000)

    async def _made(self, registered: Sequence[Registered]) -> AsyncIterator[Stop]:
        for place, each in enumerate(registered):
            if place % BITE == 0:
                await asyncio.sleep(0)
            yield Stop(each, self._makers[each.endpoint.kind](each.endpoint), self._calendar(each.endpoint.maintenance))

    def _calendar(self, windows: tuple[Window, ...]) -> Calendar | None:
        """The calendar of these windows, shared by all who have the same: it is looked up once a boundary."""
        if not windows:
            return None
        if windows not in self._calendars:
            self._calendars[windows] = Calendar(windows)
        return self._calendars[windows]


def _key(stop: Stop) -> str:
    return stop.registered.endpoint.key
