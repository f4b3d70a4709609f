"""The monitor as a whole: its parts, put together, run and stopped in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import structlog

from milkrun.alerting.planner import Planner
from milkrun.clock import Clock
from milkrun.config.settings import NetworkSettings, StorageSettings
from milkrun.config.source import EndpointChanges
from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Incident, Kind
from milkrun.core.rollup import Rollup
from milkrun.core.state import EndpointState
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.domains import Ask, Domains, nobody_asked
from milkrun.monitor.guard import Guard
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.live import Committed, Live
from milkrun.monitor.open_rollups import OpenRollups, open_begin
from milkrun.monitor.pipeline import Pipeline
from milkrun.monitor.reaching import reach
from milkrun.monitor.roster import Roster
from milkrun.monitor.runner import Runner
from milkrun.monitor.scheduler import Scheduler
from milkrun.monitor.timeline import Timeline
from milkrun.monitor.upkeep import Housekeeping
from milkrun.monitor.vitals import VitalsReporter
from milkrun.probes.protocol import ProbeMaker
from milkrun.store.protocol import Batch, Gap, Store, StoreError

log = structlog.get_logger(__name__)

# Where nothing is said of it.
NO_GUARD = NetworkSettings(enabled=False)
# Incidents that are no outage, and more of them than endpoints can have.
NOTICES = (Kind.CERTIFICATE, Kind.DOMAIN, Kind.NETWORK)
MOST_NOTICES = 200_000
# Checks under way may end for so long after a stop; with the flush after it, all ends within 5 s.
DRAIN = 1.5
# A change to the endpoints that could not be stored is tried again after so many seconds.
CHANGE_AGAIN = 5.0


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What a store knows of the time before this start. `newest` is the last slot with a result, None without any."""

    states: Mapping[int, EndpointState] = {}
    rollups: Sequence[Rollup] = ()
    notices: Sequence[Incident] = ()
    newest: int | None = None


async def remember(store: Store) -> Remembered:
    """Ask the store for what a start goes on from; the open five minutes, counted anew, are kept for pages to find."""
    newest = (await store.storage()).newest
    rollups = [] if newest is None else await store.count(since=open_begin(newest))
    await store.write(Batch(rollups=rollups))
    notices = await store.incidents(open_only=True, kinds=NOTICES, limit=MOST_NOTICES)
    return Remembered(states=await store.states(), rollups=rollups, notices=notices.items, newest=newest)


def _pipeline(clock: Clock, store: Store, live: Live, remembered: Remembered, planner: Planner) -> Pipeline:
    return Pipeline(
        clock=clock,
        store=store,
        live=live,
        states=remembered.states,
        rollups=OpenRollups(remembered.rollups),
        backlog=Backlog(),
        planner=planner,
        notices=remembered.notices,
    )


class Monitor:
    """Everything between the endpoints and the store. `roster` takes changes; `run` monitors."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        live: Live,
        lag: LagMeter,
        makers: Mapping[str, ProbeMaker],
        client_stats: Callable[[], Mapping[str, object]],
        remembered: Remembered,
        location: str,
        storage: StorageSettings,
        planner: Planner,
        network: NetworkSettings = NO_GUARD,
        ask: Ask = nobody_asked,
    ) -> None:
        timeline = Timeline(clock, begins=remembered.newest or 0)
        self.pipeline = _pipeline(clock, store, live, remembered, planner)
        self.guard = Guard(clock=clock, recorder=self.pipeline, settings=network, reach=reach)
        self.domains = Domains(clock=clock, ask=ask, notices=self.pipeline.notices)
        self.runner = Runner(clock=clock, timeline=timeline, recorder=self.guard, location=location)
        self.scheduler = Scheduler(clock=clock, timeline=timeline, runner=self.runner, gaps=self.pipeline)
        self.roster = Roster(
            clock=clock,
            store=store,
            live=live,
            makers=makers,
            scheduler=self.scheduler,
            guard=self.guard,
            domains=self.domains,
        )
        self._lag = lag
        self._vitals = VitalsReporter(
            clock=clock,
            store=store,
            live=live,
            client_stats=client_stats,
            runner=self.runner,
            pipeline=self.pipeline,
            lag=lag,
        )
        self._housekeeping = Housekeeping(clock=clock, store=store, storage=storage)
        self._remembered = remembered
        self._live = live
        self._clock = clock

    async def begin(self, endpoints: Sequence[Endpoint]) -> None:
        """Take up the first endpoints where the last run left them; the time between is one gap."""
        await self.roster.apply(EndpointChanges(added=tuple(endpoints)))
        self.roster.retire_unknown(self._remembered.states)
        self.pipeline.notices.retire_unknown(int(self._clock.wall() * 1_000))
        self.guard.resume(self._remembered.states, int(self._clock.wall() * 1_000))
        self._live.publish(Committed(results=(), states=dict(self._remembered.states), changes=(), stored=True))
        newest, now = self._remembered.newest, int(self._clock.wall() * 1_000)
        if newest is not None and newest < now:
            self.pipeline.gap(Gap(began=newest, ended=now, reason="Milkrun was not running"))

    async def follow(self, changes: AsyncIterator[EndpointChanges]) -> None:
        """Make every change to the endpoints as it comes; one that cannot be stored is tried again."""
        async for change in changes:
            while not await self._changed(change):
                await self._clock.sleep_until(self._clock.now() + CHANGE_AGAIN)

    async def run(self, stopping: asyncio.Event) -> None:
        """Monitor until `stopping`; then no new checks, those under way end or are cancelled, all is written."""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self.pipeline.run(), name="writer")
            aside = [
                group.create_task(self._lag.run(), name="loop lag"),
                group.create_task(self._vitals.run(), name="vitals"),
                group.create_task(self.guard.run(), name="own-network guard"),
                group.create_task(self.domains.run(), name="domains"),
                group.create_task(self._housekeeping.run(), name="upkeep"),
            ]
            driver = group.create_task(self.scheduler.run(), name="scheduler")
            await stopping.wait()
            driver.cancel()
            await asyncio.wait([driver])
            await self.runner.drain(DRAIN)
            self.guard.release()
            self.pipeline.stop()
            await asyncio.wait([writer])
            for task in aside:
                task.cancel()

    async def _changed(self, change: EndpointChanges) -> bool:
        try:
            await self.roster.apply(change)
        except StoreError as err:
            log.warning("endpoints not changed yet", reason=str(err))
            return False
        return True
