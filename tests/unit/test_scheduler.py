"""The scheduler on a clock moved by hand: on time, without drift, with an outcome for every slot."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.core.endpoint import Retry
from milkrun.core.outcome import Layer, Outcome
from milkrun.core.result import Trigger
from milkrun.monitor.route import Stop
from tests.support.rounds import MIDNIGHT, Round, ScriptedProbe, an_endpoint
from tests.support.slots import slots_between

START = MIDNIGHT * 1_000


def slots(stop: Stop, seconds: float) -> list[int]:
    interval = stop.registered.endpoint.interval
    return list(slots_between(START + 1, START + int(seconds * 1_000) + 1, stop.phase, interval))


async def test_an_endpoint_is_checked_at_every_slot_at_a_fixed_rate() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    await run.drive(65)
    assert [result.slot for result in run.kept.settled] == slots(stop, 65)
    assert {result.trigger for result in run.kept.settled} == {Trigger.SCHEDULE}


async def test_slow_checks_do_not_make_the_rate_drift() -> None:
    run = Round()
    stop = run.stop(an_endpoint(), ScriptedProbe(run.clock, takes=7.3))
    run.scheduler.apply(arriving=[stop])
    await run.drive(100)
    assert [result.started * 1_000 for result in run.kept.settled] == pytest.approx(slots(stop, 92), abs=10)


async def test_the_first_round_of_everything_ends_within_one_interval() -> None:
    run = Round()
    run.scheduler.apply(arriving=[run.stop(an_endpoint(f"core_{n}"), id=n) for n in range(500)])
    await run.drive(10, step=0.05)
    assert Counter(result.endpoint for result in run.kept.settled) == dict.fromkeys(range(500), 1)


async def test_ten_thousand_endpoints_cost_one_sleeper_a_route() -> None:
    run = Round()
    run.scheduler.apply(arriving=[run.stop(an_endpoint(f"core_{n}"), id=n) for n in range(10_000)])
    driver = asyncio.create_task(run.scheduler.run())
    await run.clock.advance(0)
    assert len(run.clock._sleepers) == 1
    driver.cancel()
    await asyncio.wait([driver])


async def test_a_check_still_running_at_its_next_slot_makes_that_slot_an_overrun() -> None:
    run = Round()
    stop = run.stop(an_endpoint(), ScriptedProbe(run.clock, takes=15))
    run.scheduler.apply(arriving=[stop])
    await run.drive(40)
    due = slots(stop, 40)
    assert [result.slot for result in run.kept.settled] == due[::2][: len(run.kept.settled)]
    skipped = run.kept.skipped[0]
    assert skipped.slot == due[1]
    assert skipped.outcome is Outcome.UNKNOWN
    assert skipped.failure is not None
    assert (skipped.failure.layer, skipped.failure.kind) == (Layer.SELF, "overrun")
    assert run.balanced()


async def test_a_slot_that_comes_due_during_retries_is_an_overrun() -> None:
    run = Round()
    endpoint = an_endpoint(retry=Retry(count=3, delay=4))
    stop = run.stop(endpoint, ScriptedProbe(run.clock, [500]))
    run.scheduler.apply(arriving=[stop])
    await run.drive(24)
    first, second = slots(stop, 24)[:2]
    assert [(each.slot, each.attempt) for each in run.kept.settled] == [(first, 4)]
    assert [(each.slot, each.attempt) for each in run.kept.skipped[:1]] == [(second, 1)]


async def test_after_a_late_wake_the_latest_slot_is_checked_and_the_missed_ones_are_skipped() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    await run.stall(25)
    due = slots(stop, 25)
    assert [result.slot for result in run.kept.skipped] == due[:-1]
    assert [result.slot for result in run.kept.settled] == due[-1:]
    assert run.runner.due == len(due)


async def test_a_very_long_silence_is_one_gap_and_its_last_rounds() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    await run.stall(1_000)
    assert [(gap.began, gap.ended) for gap in run.kept.gaps] == [(START, START + 970_000)]
    assert len(run.kept.skipped) + len(run.kept.settled) == 3
    assert run.balanced()


@pytest.mark.parametrize("intervals", [(10_000, 5_000), (5_000, 10_000)])
async def test_two_routes_tell_one_silence_once(intervals: tuple[int, ...]) -> None:
    run = Round()
    for n, interval in enumerate(intervals):
        run.scheduler.apply(arriving=[run.stop(an_endpoint(f"a_{n}", interval=interval), id=n)])
    await run.stall(1_000)
    told = sorted((gap.began, gap.ended) for gap in run.kept.gaps)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(told))
    assert told[0][0] == START


async def test_a_clock_set_forward_is_a_gap_and_no_slot_in_it_is_due() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    driver = asyncio.create_task(run.scheduler.run())
    await run.clock.advance(20)
    before = run.runner.due
    run.clock.step_wall(3_600)
    await run.clock.advance(10)
    driver.cancel()
    await asyncio.wait([driver])
    assert run.runner.due == before + 1
    assert len(run.kept.gaps) == 1
    assert run.kept.gaps[0].ended - run.kept.gaps[0].began == pytest.approx(3_600_000, abs=2)
    assert run.kept.skipped == []


@pytest.mark.parametrize("step", [-0.4, -5.0, -3_600.0])
async def test_a_clock_set_back_runs_no_slot_twice_and_stops_no_check(step: float) -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    driver = asyncio.create_task(run.scheduler.run())
    await run.clock.advance(30)
    run.clock.step_wall(step)
    await run.clock.advance(31)
    driver.cancel()
    await asyncio.wait([driver])
    seen = [result.slot for result in run.kept.settled]
    assert len(seen) == len(set(seen)) == 6
    assert run.kept.gaps == []


async def test_a_driver_restarted_by_a_change_loses_and_repeats_nothing() -> None:
    run = Round()
    first = run.stop(an_endpoint("a_a"))
    run.scheduler.apply(arriving=[first])
    driver = asyncio.create_task(run.scheduler.run())
    for n in range(30):
        run.scheduler.apply(arriving=[run.stop(an_endpoint(f"b_{n}"), id=n + 2)])
        await run.clock.advance(1)
    driver.cancel()
    await asyncio.wait([driver])
    assert [result.slot for result in run.kept.settled if result.endpoint == 1] == slots(first, 30)


async def test_an_endpoint_that_left_is_not_checked_again_and_its_route_ends_with_it() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.scheduler.apply(arriving=[stop])
    idle = [run.scheduler.is_idle]
    driver = asyncio.create_task(run.scheduler.run())
    await run.clock.advance(20)
    before = len(run.kept.settled)
    run.scheduler.apply(leaving=[stop])
    idle.append(run.scheduler.is_idle)
    await run.clock.advance(20)
    driver.cancel()
    await asyncio.wait([driver])
    assert len(run.kept.settled) == before == 2
    assert run.scheduler._routes == {}
    assert idle == [False, True]


async def test_many_slots_due_at_once_leave_other_tasks_their_turn() -> None:
    run = Round()
    run.scheduler.apply(arriving=[run.stop(an_endpoint(f"core_{n}"), id=n) for n in range(1_000)])
    turns = 0

    async def bystander() -> None:
        nonlocal turns
        for _ in range(60):
            turns += 0 < run.runner.due < 1_000
            await asyncio.sleep(0)

    watching = asyncio.create_task(bystander())
    await run.stall(10)
    await watching
    assert run.runner.due == 1_000
    assert turns >= 5


@settings(max_examples=40, deadline=None)
@given(
    durations=st.lists(st.floats(0, 25), min_size=1, max_size=6),
    failing=st.lists(st.booleans(), min_size=6, max_size=6),
    events=st.lists(
        st.tuples(
            st.sampled_from(["advance", "stall", "forward", "back", "leave", "arrive", "cancel"]), st.floats(0, 40)
        ),
        max_size=12,
    ),
)
async def test_every_due_slot_is_done_skipped_or_in_flight_whatever_happens(
    durations: list[float], failing: list[bool], events: list[tuple[str, float]]
) -> None:
    run = Round()
    stops = [
        run.stop(
            an_endpoint(f"core_{n}", interval=5_000 * (1 + n % 3), retry=Retry(count=n % 3, delay=2)),
            ScriptedProbe(run.clock, [500 if failing[n] else 200], takes=took),
            id=n,
        )
        for n, took in enumerate(durations)
    ]
    run.scheduler.apply(arriving=stops)
    driver = asyncio.create_task(run.scheduler.run())
    present = set(stops)
    for kind, amount in events:
        stop = stops[int(amount) % len(stops)]
        if kind == "advance":
            await run.clock.advance(amount)
        elif kind == "stall":
            run.clock._move(run.clock.now() + amount)
        elif kind in ("forward", "back"):
            run.clock.step_wall(amount if kind == "forward" else -amount)
        elif kind == "leave" and stop in present:
            present.discard(stop)
            run.scheduler.apply(leaving=[stop])
        elif kind == "arrive" and stop not in present:
            present.add(stop)
            run.scheduler.apply(arriving=[stop])
        elif kind == "cancel" and stop.task is not None:
            stop.task.cancel()
        assert run.balanced()
        await run.clock.advance(0)
        assert run.balanced()
    driver.cancel()
    await asyncio.wait([driver])
    await run.runner.drain(0)
    assert run.runner.in_flight == 0
    assert run.runner.due == run.runner.done + run.runner.skipped
    assert run.runner.done == len(run.kept.settled)
    assert run.runner.skipped == len(run.kept.skipped)
    outcomes = Counter((each.endpoint, each.slot) for each in [*run.kept.settled, *run.kept.skipped])
    assert set(outcomes.values()) <= {1}
