"""The monitor as a whole on a clock moved by hand: starting, changing, stopping, and looking after itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from milkrun.alerting.planner import Planner
from milkrun.clock import ManualClock
from milkrun.config.settings import NetworkSettings, StorageSettings
from milkrun.config.source import EndpointChanges, MemorySource
from milkrun.core.endpoint import Endpoint
from milkrun.core.maintenance import OneOff
from milkrun.core.observation import Observation, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Trigger
from milkrun.core.rollup import Period
from milkrun.core.state import EndpointState
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.live import Snapshot
from milkrun.monitor.monitor import Monitor, remember
from milkrun.monitor.once import check_once
from milkrun.monitor.upkeep import Housekeeping
from milkrun.probes.protocol import Probe
from milkrun.store.protocol import Gap
from tests.support.rounds import MIDNIGHT, ScriptedProbe, an_endpoint
from tests.support.trying_store import TryingStore


class Scripts:
    """The maker of scripted probes: `statuses` by endpoint key, 200 where nothing else is said."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.statuses: dict[str, list[int]] = {}
        self.takes = 0.0
        self.made: list[ScriptedProbe] = []

    def __call__(self, endpoint: Endpoint) -> Probe:
        """Make the probe of `endpoint`."""
        self.made.append(ScriptedProbe(self._clock, self.statuses.get(endpoint.key, [200]), takes=self.takes))
        return self.made[-1]


class House:
    """A monitor with everything around it, on one clock; `restart` makes the next process on the same store."""

    def __init__(self) -> None:
        self.clock = ManualClock(wall=MIDNIGHT)
        self.store = TryingStore()
        self.scripts = Scripts(self.clock)
        self.live = LiveHub()

    async def monitor(self) -> Monitor:
        self.live = LiveHub()
        return Monitor(
            clock=self.clock,
            store=self.store,
            live=self.live,
            lag=LagMeter(self.clock),
            makers={"http": self.scripts},
            client_stats=lambda: {"origins": 3},
            remembered=await remember(self.store),
            location="local",
            storage=StorageSettings(),
            planner=Planner((), {}),
        )

    def snapshot(self) -> Snapshot:
        with self.live.subscribe() as watching:
            return watching.snapshot()

    @asynccontextmanager
    async def running(self, *endpoints: Endpoint) -> AsyncIterator[Monitor]:
        monitor = await self.monitor()
        await monitor.begin(endpoints)
        stopping = asyncio.Event()
        task = asyncio.create_task(monitor.run(stopping))
        await self.clock.advance(0)
        try:
            yield monitor
        finally:
            stopping.set()
            await self.clock.advance(1)
            await task


async def test_a_restart_goes_on_with_streaks_and_records_one_gap() -> None:
    house = House()
    house.scripts.statuses["core_a"] = [500]
    async with house.running(an_endpoint("core_a")):
        await house.clock.advance(15)
    newest = (await house.store.storage()).newest
    assert newest is not None
    await house.clock.advance(100)
    async with house.running(an_endpoint("core_a")):
        (state,) = house.snapshot().states.values()
        assert state.state is Outcome.DOWN
        began = int(house.clock.wall() * 1_000)
    gaps = await house.store.gaps(since=0)
    assert gaps == [Gap(began=newest, ended=began, reason="Milkrun was not running")]
    assert (await house.store.incidents()).total == 1


async def test_a_first_start_has_no_gap() -> None:
    house = House()
    async with house.running(an_endpoint()):
        await house.clock.advance(2)
    assert await house.store.gaps(since=0) == []


async def test_a_restart_counts_no_result_of_the_open_five_minutes_twice() -> None:
    house = House()
    for _ in range(3):
        async with house.running(an_endpoint()):
            await house.clock.advance(60)
    (rollup,) = await house.store.rollups(Period.FIVE_MINUTES, since=0)
    stored = await house.store.results(1, limit=1_000)
    assert rollup.up == len([each for each in stored if each.outcome is Outcome.UP])
    assert rollup.up >= 17


async def test_a_crash_loses_no_count_of_the_open_five_minutes() -> None:
    house = House()
    monitor = await house.monitor()
    await monitor.begin([an_endpoint()])
    crashing = asyncio.create_task(monitor.run(asyncio.Event()))
    await house.clock.advance(60)
    crashing.cancel()
    await asyncio.wait([crashing])
    assert await house.store.rollups(Period.FIVE_MINUTES, since=0) == []
    recounted = (await remember(house.store)).rollups
    assert await house.store.rollups(Period.FIVE_MINUTES, since=0) == recounted, "the pages find them at once"
    async with house.running(an_endpoint()):
        await house.clock.advance(1)
    (rollup,) = await house.store.rollups(Period.FIVE_MINUTES, since=0)
    assert rollup.up == len(await house.store.results(1, limit=1_000)) >= 5


async def test_stopping_lets_checks_under_way_end_and_writes_them() -> None:
    house = House()
    gate = asyncio.Event()

    async def gated() -> Observation:
        await gate.wait()
        return await ScriptedProbe(house.clock)()

    monitor = await house.monitor()
    await monitor.begin([an_endpoint()])
    (stop,) = monitor.roster._stops.values()
    stop.probe = gated
    stopping = asyncio.Event()
    task = asyncio.create_task(monitor.run(stopping))
    await house.clock.advance(10.1)
    stopping.set()
    await house.clock.advance(0)
    gate.set()
    await house.clock.advance(1)
    await task
    assert [each.outcome for each in await house.store.results(1, limit=10)] == [Outcome.UP]
    assert monitor.runner.done == 1


async def test_changes_touch_only_what_changed() -> None:
    house = House()
    source = MemorySource([an_endpoint("core_a"), an_endpoint("core_b"), an_endpoint("core_c")])
    changes = source.changes()
    async with house.running(*(await anext(changes)).added) as monitor:
        following = asyncio.create_task(monitor.follow(changes))
        before = dict(monitor.roster._stops)
        source.replace([an_endpoint("core_a"), an_endpoint("core_b", fingerprint="2"), an_endpoint("core_d")])
        await house.clock.advance(0)
        after = monitor.roster._stops
        assert after["core_a"] is before["core_a"]
        assert after["core_b"].registered.revision == 2
        assert sorted(after) == ["core_a", "core_b", "core_d"]
        assert [each.endpoint.key for each in house.snapshot().registered] == ["core_a", "core_b", "core_d"]
        source.close()
        await following
        await house.clock.advance(21)
        assert len(await house.store.results(before["core_c"].registered.id, limit=10)) == 0
        assert len(await house.store.results(after["core_d"].registered.id, limit=10)) >= 1


async def test_removing_an_endpoint_cancels_its_check_and_closes_its_incident() -> None:
    house = House()
    house.scripts.statuses["core_a"] = [500]
    async with house.running(an_endpoint("core_a")) as monitor:
        await house.clock.advance(10.5)
        house.scripts.made[0].takes = 600.0
        await house.clock.advance(10)
        assert monitor.runner.in_flight == 1
        await monitor.roster.apply(EndpointChanges(removed=("core_a", "core_never_there")))
        await house.clock.advance(2)
        assert monitor.runner.in_flight == 0
        (incident,) = (await house.store.incidents()).items
        assert incident.closed is not None
        assert house.snapshot() == Snapshot(registered=(), states={}, vitals=house.snapshot().vitals)


async def test_an_endpoint_gone_from_the_configuration_leaves_no_incident_open_after_a_restart() -> None:
    house = House()
    house.scripts.statuses["core_a"] = [500]
    async with house.running(an_endpoint("core_a"), an_endpoint("core_b")):
        await house.clock.advance(10.5)
    async with house.running(an_endpoint("core_b")):
        await house.clock.advance(2)
    (incident,) = (await house.store.incidents()).items
    assert incident.closed is not None
    assert (await house.store.states())[1] == EndpointState()


async def test_a_change_that_cannot_be_stored_is_tried_again() -> None:
    house = House()
    source = MemorySource()
    changes = source.changes()
    await anext(changes)
    async with house.running() as monitor:
        with capture_logs() as logs:
            following = asyncio.create_task(monitor.follow(changes))
            house.store.registers = False
            source.replace([an_endpoint()])
            await house.clock.advance(1)
            assert monitor.roster._stops == {}
            house.store.registers = True
            await house.clock.advance(6)
        assert list(monitor.roster._stops) == ["core_checkout"]
        assert [entry["event"] for entry in logs] == ["endpoints not changed yet"]
        source.close()
        await following


async def test_many_probes_are_made_in_bites() -> None:
    house = House()
    async with house.running(*[an_endpoint(f"core_{n}") for n in range(120)]) as monitor:
        assert len(monitor.roster._stops) == 120


async def test_vitals_are_told_every_second() -> None:
    house = House()
    async with house.running(an_endpoint()):
        await house.clock.advance(30)
        vitals = house.snapshot().vitals
        assert vitals is not None
        assert vitals.at == pytest.approx(house.clock.wall(), abs=1.1)
        assert vitals.client == {"origins": 3, "loop_lag_ms": {"p50": 0, "p99": 0, "max": 0}}
        assert vitals.schedule["due_total"] == vitals.schedule["done_total"] == 3
        assert vitals.storage["error"] is None
        assert vitals.storage["bytes"] > 0


async def test_a_store_in_trouble_does_not_stop_the_vitals_that_tell_of_it() -> None:
    house = House()
    async with house.running(an_endpoint()):
        house.store.trouble = "the disk is full"
        await house.clock.advance(30)
        vitals = house.snapshot().vitals
        assert vitals is not None
        assert vitals.storage["error"] == "the disk is full"
        assert vitals.storage["pending"] > 0
        house.store.trouble = None
        await house.clock.advance(40)


async def test_old_results_are_removed_bite_by_bite_and_trouble_only_delays_it() -> None:
    house = House()
    async with house.running(an_endpoint(interval=1_000)):
        await house.clock.advance(100)
    upkeep = Housekeeping(clock=house.clock, store=house.store, storage=StorageSettings(retention=50.0))
    house.store.trouble = "locked"
    with capture_logs() as logs:
        task = asyncio.create_task(upkeep.run())
        await house.clock.advance(1)
        house.store.trouble = None
        assert [entry["reason"] for entry in logs] == ["locked"]
    await house.clock.advance(61)
    oldest = (await house.store.storage()).oldest
    task.cancel()
    assert oldest is None or oldest >= (house.clock.wall() - 62) * 1_000 - 50_000


async def test_checking_once_tells_what_each_slot_came_to_in_every_round() -> None:
    house = House()
    house.scripts.statuses["core_b"] = [500]
    endpoints = [an_endpoint("core_a"), an_endpoint("core_b")]
    told: list[tuple[str, Outcome, Trigger]] = []
    await check_once(
        endpoints,
        rounds=2,
        on_result=lambda endpoint, result: told.append((endpoint.key, result.outcome, result.trigger)),
        makers={"http": house.scripts},
        clock=house.clock,
        location="local",
    )
    expected = [("core_a", Outcome.UP, Trigger.MANUAL), ("core_b", Outcome.DOWN, Trigger.MANUAL)]
    assert sorted(told[:2]) == sorted(told[2:]) == expected


async def test_checking_once_checks_no_more_at_once_than_the_client_takes() -> None:
    house = House()
    house.scripts.takes = 1.0
    count = 0

    def told(_endpoint: object, _result: object) -> None:
        nonlocal count
        count += 1

    checking = asyncio.create_task(
        check_once(
            [an_endpoint(f"core_{n}") for n in range(450)],
            rounds=1,
            on_result=told,
            makers={"http": house.scripts},
            clock=house.clock,
            location="local",
        )
    )
    for expected in (0, 200, 400, 450):
        assert count == expected
        await house.clock.advance(1.0001)
        for _ in range(500):
            await asyncio.sleep(0)
    await checking


async def test_checking_once_when_cancelled_ends_every_check_and_tells_of_it() -> None:
    house = House()
    house.scripts.takes = 1_000.0
    told: list[Outcome] = []
    checking = asyncio.create_task(
        check_once(
            [an_endpoint("core_a")],
            rounds=1,
            on_result=lambda _, result: told.append(result.outcome),
            makers={"http": house.scripts},
            clock=house.clock,
            location="local",
        )
    )
    await house.clock.advance(1)
    checking.cancel()
    await asyncio.wait([checking])
    assert told == [Outcome.UNKNOWN]


async def test_a_slot_in_a_maintenance_window_says_so_and_opens_no_incident() -> None:
    house = House()
    house.scripts.statuses = {"core_a": [500], "core_b": [500], "core_c": [500]}
    window = OneOff(begins=MIDNIGHT * 1_000, duration=15_000)
    planned = [
        msgspec.structs.replace(an_endpoint(key), maintenance=windows)
        for key, windows in (("core_a", (window,)), ("core_b", (window,)), ("core_c", ()))
    ]
    async with house.running(*planned):
        await house.clock.advance(9.9)
        assert [each.endpoint for each in (await house.store.incidents()).items] == [3]
        assert [each.maintenance for each in await house.store.results(1, limit=9)] == [True]
        await house.clock.advance(20)
    assert sorted(each.endpoint for each in (await house.store.incidents()).items) == [1, 2, 3]
    assert all(each.opened >= MIDNIGHT * 1_000 + 15_000 for each in (await house.store.incidents(endpoint=1)).items)


async def test_a_failure_that_waits_for_the_guard_is_written_at_a_stop() -> None:
    house = House()
    failure = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")

    async def refused() -> Observation:
        return Observation(started=house.clock.wall(), timings=Timings(), failure=failure)

    async with house.running(*[an_endpoint(f"core_{n}") for n in range(4)]) as monitor:
        monitor.roster._stops["core_0"].probe = refused
        monitor.guard._settings = NetworkSettings(hold=60_000)
        await house.clock.advance(9.9)
        assert await house.store.results(1, limit=9) == []
    assert [each.failure for each in await house.store.results(1, limit=9)] == [failure]
