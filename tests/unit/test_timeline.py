"""The timeline: epoch milliseconds that never run backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.clock import ManualClock
from milkrun.monitor.timeline import Timeline
from tests.support.rounds import MIDNIGHT

START = MIDNIGHT * 1_000


def at_midnight(begins: int = 0) -> tuple[ManualClock, Timeline]:
    clock = ManualClock(wall=MIDNIGHT)
    return clock, Timeline(clock, begins=begins)


async def test_it_follows_the_wall_clock() -> None:
    clock, timeline = at_midnight()
    await clock.advance(1.5)
    assert timeline.read().now == START + 1_500
    assert timeline.late(START + 1_000) == pytest.approx(0.5)
    assert timeline.monotonic(START + 2_000) == pytest.approx(clock.now() + 0.5)
    assert timeline.monotonic(START) == clock.now()


def test_a_step_forward_is_a_jump_that_is_told_once() -> None:
    clock, timeline = at_midnight()
    clock.step_wall(60)
    reading = timeline.read()
    assert (reading.now, reading.jumped_from) == (START + 60_000, START)
    assert timeline.read().jumped_from is None


async def test_a_step_back_is_not_followed() -> None:
    clock, timeline = at_midnight()
    clock.step_wall(-60)
    await clock.advance(5)
    reading = timeline.read()
    assert reading.now == pytest.approx(START + 5_000, abs=1)
    assert reading.jumped_from is None


def test_a_step_forward_first_gives_back_what_a_step_back_took() -> None:
    clock, timeline = at_midnight()
    clock.step_wall(-60)
    timeline.read()
    clock.step_wall(60)
    assert timeline.read().jumped_from is None
    assert timeline.read().now == pytest.approx(START, abs=1)
    clock.step_wall(-60)
    timeline.read()
    clock.step_wall(90)
    reading = timeline.read()
    assert reading.now == pytest.approx(START + 30_000, abs=1)
    assert reading.jumped_from == pytest.approx(START, abs=1)


async def test_a_step_forward_that_gives_back_a_part_keeps_the_rest_of_the_lead() -> None:
    clock, timeline = at_midnight()
    clock.step_wall(-60)
    timeline.read()
    clock.step_wall(20)
    assert timeline.read().jumped_from is None
    await clock.advance(10)
    assert timeline.read().now == pytest.approx(START + 10_000, abs=1)


@pytest.mark.parametrize("step", [-0.5, 0.5])
async def test_a_clock_being_kept_right_is_followed_and_never_runs_back(step: float) -> None:
    clock, timeline = at_midnight()
    clock.step_wall(step)
    assert timeline.read().now == max(START, START + int(step * 1_000))
    await clock.advance(1)
    assert timeline.read().now == pytest.approx(START + 1_000 + int(step * 1_000), abs=1)


def test_it_begins_no_earlier_than_the_last_slot_there_was() -> None:
    _, timeline = at_midnight(begins=START + 5_000)
    assert timeline.read().now == START + 5_000


@given(st.lists(st.tuples(st.booleans(), st.floats(-1_000, 1_000)), max_size=20))
def test_it_never_runs_backwards(moves: list[tuple[bool, float]]) -> None:
    clock, timeline = at_midnight()
    last = timeline.read().now
    for is_step, amount in moves:
        if is_step:
            clock.step_wall(amount)
        else:
            clock._move(clock.now() + abs(amount))
        reading = timeline.read()
        assert reading.now >= last
        assert reading.jumped_from is None or last - 1 <= reading.jumped_from <= reading.now
        last = reading.now
