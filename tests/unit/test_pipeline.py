"""The pipeline: what is written when, what is told when, and what trouble does."""

import pytest

from milkrun.core.alert import Route
from milkrun.core.endpoint import Thresholds
from milkrun.core.incident import Moment
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Period
from milkrun.core.state import EndpointState
from milkrun.monitor.writer import LONGEST_BACK_OFF
from milkrun.store.protocol import Gap
from tests.support.pipelines import SLOT, Line, a_result, running
from tests.support.rounds import an_endpoint, registered

FIVE_MINUTES = Period.FIVE_MINUTES.begin(SLOT)


async def test_results_are_written_within_a_second_in_one_transaction() -> None:
    line = Line(states={1: up()})
    async with running(line):
        results = [line.settle() for _ in range(5)]
        await line.clock.advance(0.5)
        assert line.store.batches == []
        await line.clock.advance(0.6)
        assert [list(batch.results) for batch in line.store.batches] == [results]
        assert [event.results for event in line.told.committed] == [tuple(results)]
        assert line.told.committed[0].stored


async def test_nothing_to_write_is_not_written() -> None:
    line = Line()
    async with running(line):
        await line.clock.advance(60)
        assert line.store.tries == 0


async def test_a_change_of_state_is_written_at_once_and_told_only_then() -> None:
    line = Line(states={1: up()})
    line.store.gate.clear()
    async with running(line):
        line.settle(500)
        await line.clock.advance(0.05)
        assert line.store.tries == 1
        assert line.told.committed == []
        line.store.gate.set()
        await line.clock.advance(0)
        (change,) = line.told.committed[0].changes
        assert (change.before, change.after) == (Outcome.UP, Outcome.DOWN)
        (incident,) = line.store.batches[0].incidents
        assert (incident.opened, incident.closed) == (SLOT, None)
        assert line.store.batches[0].states[1].state is Outcome.DOWN


async def test_fifty_endpoints_that_go_down_together_are_one_transaction() -> None:
    line = Line()
    async with running(line):
        for n in range(50):
            line.settle(500, of=registered(an_endpoint(f"core_{n}"), id=n))
        await line.clock.advance(0.1)
        assert [len(batch.incidents) for batch in line.store.batches] == [50]


async def test_a_recovery_closes_the_incident() -> None:
    line = Line()
    async with running(line):
        line.settle(500)
        line.settle(200)
        await line.clock.advance(0.1)
        (incident,) = line.store.batches[0].incidents
        assert (incident.opened, incident.closed) == (SLOT, SLOT + 10)
        assert [change.after for change in line.told.committed[0].changes] == [Outcome.DOWN, Outcome.UP]


async def test_attempts_that_will_be_repeated_and_skipped_slots_move_no_streak() -> None:
    line = Line(states={1: up()})
    who = registered(an_endpoint())
    async with running(line):
        line.pipeline.add(a_result(who, SLOT, 500))
        line.pipeline.skip(a_result(who, SLOT + 10, 500))
        await line.clock.advance(1.1)
        assert len(line.store.batches[0].results) == 2
        assert line.store.batches[0].states == {}


async def test_streaks_go_on_from_what_the_store_remembered() -> None:
    who = registered(an_endpoint(thresholds=Thresholds(failure=2)))
    once_down = EndpointState(state=Outcome.UP, settled=Outcome.UP, since=1, worse=(1, 1))
    line = Line(states={1: once_down})
    async with running(line):
        line.settle(500, of=who)
        await line.clock.advance(0.1)
        assert line.told.committed[0].states[1].state is Outcome.DOWN


async def test_gaps_are_written() -> None:
    line = Line()
    gap = Gap(began=1, ended=2, reason="a test")
    async with running(line):
        line.pipeline.gap(gap)
        await line.clock.advance(1.1)
        assert await line.store.gaps(since=0) == [gap]


async def test_while_the_store_fails_results_are_shown_once_as_not_stored_and_changes_are_held_back() -> None:
    line = Line(states={1: up()})
    line.store.trouble = "the disk is full"
    async with running(line):
        first = line.settle(500)
        await line.clock.advance(1.2)
        second = line.settle(500)
        await line.clock.advance(1.2)
        assert [(event.results, event.changes, event.stored) for event in line.told.committed] == [
            ((first,), (), False),
            ((second,), (), False),
        ]
        assert line.pipeline.vitals() == {"pending": 2, "dropped_total": 0, "error": "the disk is full"}

        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF)
        last = line.told.committed[-1]
        assert (last.results, last.stored) == ((), True)
        assert [change.after for change in last.changes] == [Outcome.DOWN]
        assert list(line.store.batches[0].results) == [first, second]
        assert line.pipeline.vitals() == {"pending": 0, "dropped_total": 0, "error": None}


async def test_a_failing_store_is_tried_again_at_growing_distances() -> None:
    line = Line()
    line.store.trouble = "the disk is full"
    async with running(line):
        for _ in range(120):
            line.settle(500)
            await line.clock.advance(1)
        assert 5 <= line.store.tries <= 12


async def test_beyond_the_bound_the_oldest_results_are_dropped_and_counted_but_no_state_or_incident() -> None:
    line = Line(limit=10, states={1: up()})
    line.store.trouble = "the disk is full"
    async with running(line):
        results = [line.settle(500 if n == 0 else 200) for n in range(25)]
        await line.clock.advance(1.5)
        assert line.pipeline.vitals()["dropped_total"] == 15
        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF)
        assert list(line.store.batches[0].results) == results[-10:]
        assert [incident.opened for incident in line.store.batches[0].incidents] == [SLOT]
        assert len(line.told.committed[-1].changes) == 2


async def test_what_came_during_a_failed_write_wins_over_what_it_held() -> None:
    line = Line(states={1: up()})
    line.store.gate.clear()
    async with running(line):
        line.settle(500)
        await line.clock.advance(0.05)
        line.settle(200)
        line.pipeline.gap(Gap(began=1, ended=2, reason="a test"))
        line.store.trouble = "the disk is full"
        line.store.gate.set()
        await line.clock.advance(0)
        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF)
        (batch,) = line.store.batches
        assert batch.states[1].state is Outcome.UP
        assert [(each.opened, each.closed) for each in batch.incidents] == [(SLOT, SLOT + 10)]
        assert len(batch.gaps) == 1


async def test_stopping_writes_everything_and_the_open_five_minutes() -> None:
    line = Line(states={1: up()})
    async with running(line):
        result = line.settle()
    assert [list(batch.results) for batch in line.store.batches if batch.results] == [[result]]
    assert rollups(line) == [(FIVE_MINUTES, 1)]


async def test_stopping_a_failing_store_ends() -> None:
    line = Line()
    line.store.trouble = "the disk is full"
    async with running(line):
        line.settle()
    assert line.pipeline.vitals()["pending"] == 1


async def test_a_removed_endpoints_incident_is_closed_and_its_streak_forgotten() -> None:
    line = Line(states={1: up()})
    async with running(line):
        line.settle(500)
        await line.clock.advance(0.1)
        line.pipeline.retire(1, SLOT + 500)
        await line.clock.advance(1.1)
        (incident,) = line.store.batches[-1].incidents
        assert (incident.opened, incident.closed) == (SLOT, SLOT + 500)
        assert line.store.batches[-1].states == {1: EndpointState()}


async def test_a_removed_endpoint_that_was_up_has_no_incident_to_close() -> None:
    line = Line(states={1: up()})
    async with running(line):
        line.pipeline.retire(1, SLOT)
        await line.clock.advance(1.1)
        assert [(list(batch.incidents), batch.states) for batch in line.store.batches] == [([], {1: EndpointState()})]


async def test_a_streak_is_written_before_it_is_long_enough_to_change_the_state() -> None:
    line = Line(states={1: up()})
    async with running(line):
        line.settle(500, of=registered(an_endpoint(thresholds=Thresholds(failure=3))))
        await line.clock.advance(1.1)
        assert line.store.batches[0].states[1].worse == (1, 1)
        assert line.told.committed[0].changes == ()


@pytest.mark.parametrize("state", [None, EndpointState()])
async def test_an_endpoint_without_a_state_leaves_nothing_to_retire(state: EndpointState | None) -> None:
    line = Line(states={1: state} if state else {})
    async with running(line):
        line.pipeline.retire(1, SLOT)
        await line.clock.advance(2)
        assert line.store.tries == 0


async def test_five_minutes_are_written_a_minute_after_their_end_without_results_too() -> None:
    line = Line(states={1: up()})
    async with running(line):
        line.settle()
        await line.clock.advance(359)
        assert rollups(line) == []
        await line.clock.advance(120)
        assert rollups(line) == [(FIVE_MINUTES, 1)]


async def test_a_result_whose_five_minutes_are_closed_is_late_and_told_when_it_is_stored() -> None:
    line = Line(states={1: up()})
    async with running(line):
        line.settle()
        await line.clock.advance(900)
        late = line.settle()
        await line.clock.advance(1.1)
        assert list(line.store.batches[-1].late) == [late]
        assert list(line.store.batches[-1].results) == []
        assert line.told.committed[-1].results == (late,)


async def test_what_was_dropped_is_a_gap_and_its_five_minutes_are_counted_anew_once_they_are_closed() -> None:
    line = Line(limit=10, states={1: up()})
    line.store.trouble = "the disk is full"
    async with running(line):
        results = [line.settle() for _ in range(25)]
        await line.clock.advance(1.5)
        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF)
        gap = Gap(began=SLOT, ended=results[14].slot + 1, reason="15 results could not be stored")
        assert list(line.store.batches[0].gaps) == [gap]
        await line.clock.advance(480)
        assert [list(batch.recount) for batch in line.store.batches if batch.recount] == [[FIVE_MINUTES]]
        assert rollups(line) == [], "no roll-up claims what was dropped"


async def test_five_minutes_that_closed_before_their_results_were_dropped_are_counted_anew_as_well() -> None:
    line = Line(limit=10, states={1: up()})
    line.store.trouble = "the disk is full"
    async with running(line):
        for _ in range(5):
            line.settle()
        await line.clock.advance(600)
        line.slot += 600_000
        for _ in range(10):
            line.settle()
        await line.clock.advance(2)
        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF + 1)
        (batch,) = [batch for batch in line.store.batches if batch.results]
        assert (list(batch.recount), list(batch.rollups)) == ([FIVE_MINUTES], [])


async def test_late_results_are_bounded_too_and_counted() -> None:
    line = Line(limit=10, states={1: up()})
    async with running(line):
        line.settle()
        await line.clock.advance(900)
        line.store.trouble = "the disk is full"
        late = [line.settle() for _ in range(25)]
        await line.clock.advance(60)
        assert line.pipeline.vitals() == {"pending": 10, "dropped_total": 15, "error": "the disk is full"}
        line.store.trouble = None
        await line.clock.advance(LONGEST_BACK_OFF)
        assert list(line.store.batches[-1].late) == late[-10:]


async def test_an_incident_leaves_its_timeline_and_its_first_failing_result() -> None:
    line = Line(states={1: up()})
    async with running(line):
        first = line.settle(500)
        line.settle(500)
        line.settle(200)
        await line.clock.advance(0.1)
        (batch,) = line.store.batches
        assert [(entry.moment, entry.at) for entry in batch.entries] == [
            (Moment.OPENED, first.slot),
            (Moment.RESOLVED, first.slot + 20),
        ]
        assert [evidence.result for evidence in batch.exhibits] == [first]


async def test_new_routes_are_counted_for_and_told_of_what_lasts_already() -> None:
    line = Line()
    async with running(line):
        for _ in range(3):
            line.settle(500)
        await line.clock.advance(0.1)
        assert line.store.batches[-1].states[1].worse == (1, 1)
        line.planner.use([Route(name="slow", channels=("ops",), failure=3)])
        line.pipeline.reroute(line.slot)
        for _ in range(3):
            line.settle(500)
        await line.clock.advance(1.1)
        assert line.store.batches[-1].states[1].worse == (3, 3)
        assert [message.route for message in line.store.batches[-1].messages] == ["slow"]
        line.planner.use([Route(name="slow", channels=("ops",), failure=3), Route(name="new", channels=("ops",))])
        line.pipeline.reroute(line.slot)
        await line.clock.advance(0.1)
        assert [message.route for message in line.store.batches[-1].messages] == ["new"]


def rollups(line: Line) -> list[tuple[int, int]]:
    """Starts and counts of `up` of what was written."""
    return [(each.start, each.up) for batch in line.store.batches for each in batch.rollups]


def up() -> EndpointState:
    """An endpoint that has been up for long."""
    return EndpointState(state=Outcome.UP, settled=Outcome.UP, since=1, better=(1, 1), location="local")
