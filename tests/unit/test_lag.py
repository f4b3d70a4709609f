"""Loop lag and the figures kept of durations."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.clock import ManualClock
from milkrun.monitor.histogram import Histogram, Lately
from milkrun.monitor.lag import LagMeter


def hold(clock: ManualClock, seconds: float) -> None:
    """Hold the loop: time passes and nothing runs."""
    clock._move(clock.now() + seconds)


async def test_an_idle_loop_has_no_lag() -> None:
    clock = ManualClock()
    meter = LagMeter(clock)
    ticking = asyncio.create_task(meter.run())
    await clock.advance(30)
    assert meter.since(clock.now() - 20) == pytest.approx(0)
    assert meter.since(clock.now() - 3_600) == pytest.approx(0)
    ticking.cancel()


async def test_a_check_that_times_out_right_after_a_held_loop_sees_the_lag_before_the_tick_does() -> None:
    clock = ManualClock()
    meter = LagMeter(clock)
    ticking = asyncio.create_task(meter.run())
    await clock.advance(1)
    began = clock.now()
    hold(clock, 1.0)
    assert 0.75 <= meter.since(began) <= 1.0
    ticking.cancel()


async def test_a_check_between_two_ticks_knows_of_no_lag_before_it_and_of_the_tick_that_is_overdue() -> None:
    clock = ManualClock()
    meter = LagMeter(clock)
    ticking = asyncio.create_task(meter.run())
    hold(clock, 2.0)
    await clock.advance(0.3)
    began = clock.now()
    assert meter.since(began) == pytest.approx(0)
    hold(clock, 1.0)
    assert meter.since(began) == pytest.approx(0.8, abs=0.15)
    ticking.cancel()


async def test_a_lag_early_in_a_long_check_is_remembered_and_one_before_it_is_not() -> None:
    clock = ManualClock()
    meter = LagMeter(clock)
    ticking = asyncio.create_task(meter.run())
    await clock.advance(1)
    began = clock.now()
    hold(clock, 0.5)
    await clock.advance(5)
    assert meter.since(began) >= 0.25
    assert meter.since(began + 1) == pytest.approx(0)
    assert meter.summary_ms()["max"] >= 250
    ticking.cancel()


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_right_to_a_sixteenth(durations: list[float], share: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    ordered = sorted(durations)
    exact = ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
    assert exact - 2e-6 <= histogram.quantile(share) <= exact * 17 / 16 + 2e-6


def test_a_histogram_of_nothing_says_zero() -> None:
    assert Histogram().quantile(0.99) == 0


def test_a_duration_below_zero_counts_as_zero() -> None:
    histogram = Histogram()
    histogram.add(-3)
    assert histogram.quantile(1) == 0


async def test_figures_forget_what_is_older_than_five_minutes() -> None:
    clock = ManualClock()
    lately = Lately(clock)
    lately.add(2.0)
    for _ in range(4):
        await clock.advance(60)
        lately.add(0.001)
        assert lately.summary_ms()["max"] == 2_000
    await clock.advance(61)
    assert lately.summary_ms()["max"] == 1
    assert lately.summary_ms()["p99"] == 1
