"""Five minutes in memory: what is counted, when it closes, what is late, what has to be counted anew."""

from collections.abc import Iterable

import pytest

from milkrun.core.observation import Connection
from milkrun.core.result import Result
from milkrun.core.rollup import GRACE_MS, WRITTEN_MS, Period, Rollup, roll_up
from milkrun.monitor.open_rollups import CALLS, OpenRollups, open_begin
from tests.support.history import START, a_failure, a_result

FIVE = Period.FIVE_MINUTES
END = START + FIVE.value


def counting(results: Iterable[Result]) -> OpenRollups:
    rollups = OpenRollups()
    for result in results:
        assert rollups.count(result)
    return rollups


def closed(rollups: OpenRollups, now: int, calls: int = CALLS) -> list[Rollup]:
    """All roll-ups that so many calls hand out."""
    return [rollup for _ in range(calls) for rollup in rollups.close(now)]


def test_what_closes_is_the_roll_up_of_its_results() -> None:
    results = [a_result(), a_result(slot=START + 10_000), a_failure(slot=START + 20_000), a_result(2)]
    assert sorted(closed(counting(results), END + GRACE_MS), key=repr) == sorted(roll_up(FIVE, results), key=repr)


@pytest.mark.parametrize(("after", "found"), [(GRACE_MS - 1, 0), (GRACE_MS, 1)])
def test_five_minutes_close_a_minute_after_their_end(after: int, found: int) -> None:
    assert len(closed(counting([a_result()]), END + after)) == found


def test_what_closed_is_handed_out_once() -> None:
    rollups = counting([a_result()])
    assert len(closed(rollups, END + GRACE_MS)) == 1
    assert closed(rollups, END + GRACE_MS + FIVE.value) == []
    assert rollups.all() == []


def test_many_close_a_part_at_a_time_and_all_in_time() -> None:
    rollups = counting(a_result(endpoint) for endpoint in range(1_000))
    first = rollups.close(END + GRACE_MS)
    rest = closed(rollups, END + GRACE_MS, CALLS - 1)
    assert len(first) <= 1_000 // CALLS + 1
    assert {rollup.endpoint for rollup in first + rest} == set(range(1_000))


def test_they_are_handed_out_in_the_order_in_which_they_are_kept() -> None:
    rollups = counting(a_result(endpoint) for endpoint in (3, 1, 2))
    assert [rollup.endpoint for rollup in closed(rollups, END + GRACE_MS)] == [1, 2, 3]


def test_what_is_forgotten_while_it_is_handed_out_goes_no_further() -> None:
    rollups = counting(a_result(endpoint) for endpoint in (1, 2, 3))
    assert len(rollups.close(END + GRACE_MS)) == 1
    rollups.forget(START)
    assert closed(rollups, END + GRACE_MS) == []
    assert rollups.recount() == [START]


def test_a_result_of_closed_minutes_is_late() -> None:
    rollups = counting([a_result()])
    closed(rollups, END + GRACE_MS)
    assert not rollups.count(a_result(slot=START + 10_000))
    assert not rollups.count(a_result(2))
    assert rollups.all() == []


def test_a_result_of_what_was_not_handed_out_yet_is_still_counted() -> None:
    rollups = counting(a_result(endpoint) for endpoint in range(2 * CALLS))
    taken = {rollup.endpoint for rollup in rollups.close(END + GRACE_MS)}
    counted = {endpoint for endpoint in range(2 * CALLS) if rollups.count(a_result(endpoint, START + 10_000))}
    assert counted == set(range(2 * CALLS)) - taken
    assert {rollup.up for rollup in closed(rollups, END + GRACE_MS)} == {2}


def test_what_a_start_rebuilt_is_gone_on_with() -> None:
    before, after = a_result(), a_result(slot=START + 10_000, connection=Connection.WARM)
    rollups = OpenRollups(roll_up(FIVE, [before]))
    assert rollups.count(after)
    assert rollups.all() == roll_up(FIVE, [before, after])


def test_a_clean_stop_finds_all_that_is_open() -> None:
    rollups = counting([a_result(), a_result(slot=END)])
    assert [rollup.start for rollup in rollups.all()] == [START, END]


def test_minutes_with_a_dropped_result_are_counted_anew_when_they_are_over() -> None:
    rollups = counting([a_result(), a_result(slot=END)])
    rollups.forget(START + 10_000)
    assert rollups.count(a_result(slot=START + 20_000))
    assert rollups.recount() == []
    assert rollups.close(END + GRACE_MS) == []
    assert rollups.recount() == [START]
    assert rollups.recount() == []
    assert [rollup.start for rollup in rollups.all()] == [END]


def test_a_result_after_the_recount_was_asked_for_is_late() -> None:
    rollups = counting([a_result()])
    rollups.forget(START)
    rollups.close(END + GRACE_MS)
    rollups.recount()
    assert not rollups.count(a_result(slot=START + 10_000))


def test_minutes_that_are_closed_already_are_counted_anew_at_once() -> None:
    rollups = counting([a_result()])
    closed(rollups, END + GRACE_MS)
    rollups.forget(START)
    assert rollups.recount() == [START]


def test_a_clean_stop_asks_for_what_was_forgotten() -> None:
    rollups = counting([a_result(), a_result(slot=END)])
    rollups.forget(START)
    assert [rollup.start for rollup in rollups.all()] == [END]
    assert rollups.recount() == [START]


def test_slots_ahead_of_a_clock_that_was_set_back_close_what_is_behind_them() -> None:
    rollups = counting([a_result(), a_result(slot=END + FIVE.value)])
    assert [rollup.start for rollup in closed(rollups, START - 10 * FIVE.value)] == [START]


def test_a_start_counts_from_where_something_may_not_be_written() -> None:
    assert open_begin(END + WRITTEN_MS - 1) == START
    assert open_begin(END + WRITTEN_MS) == END
    assert open_begin(0) == 0
