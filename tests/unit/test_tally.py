"""Tallies: an hour of one endpoint in counts and sums."""

import pytest

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.tally import HOUR, Tally, fold, hour_of, newest, uptime
from tests.support.judging import result


def tallied(*outcomes: Outcome) -> Tally:
    tally = Tally(endpoint=7, hour=0)
    for outcome in outcomes:
        fold(tally, result(outcome))
    return tally


def test_outcomes_are_counted_each_by_itself() -> None:
    tally = tallied(Outcome.UP, Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN)
    assert (tally.up, tally.degraded, tally.down, tally.unknown) == (2, 1, 1, 1)


def test_warm_and_cold_latencies_are_kept_apart_in_milliseconds() -> None:
    tally = Tally(endpoint=7, hour=0)
    for connection, latencies in ((Connection.WARM, (0.03, 0.01)), (Connection.COLD, (0.2, 0.1)), (None, (5.0,))):
        for seconds in latencies:
            fold(tally, result(connection=connection, timings=Timings(total=seconds)))
    assert (tally.warm, tally.cold) == (2, 2)
    assert [tally.warm_sum, tally.warm_max, tally.cold_sum, tally.cold_max] == pytest.approx([40, 30, 300, 200])


def test_how_long_it_took_to_fail_is_no_latency() -> None:
    tally = Tally(endpoint=7, hour=0)
    timeout = Failure(layer=Layer.WAIT, kind="timeout", message="")
    fold(tally, result(Outcome.DOWN, connection=Connection.COLD, failure=timeout))
    assert (tally.down, tally.cold) == (1, 0)


def test_what_happens_under_maintenance_counts_for_nothing() -> None:
    tally = Tally(endpoint=7, hour=0)
    fold(tally, result(Outcome.DOWN, connection=Connection.COLD, maintenance=True))
    assert tally == Tally(endpoint=7, hour=0)


@pytest.mark.parametrize(
    ("outcomes", "ratio"),
    [
        ((), None),
        ((Outcome.UNKNOWN,), None),
        ((Outcome.UP, Outcome.UNKNOWN), 1.0),
        ((Outcome.UP, Outcome.DOWN), 0.5),
        ((Outcome.DEGRADED, Outcome.DOWN, Outcome.UP, Outcome.UP), 0.75),
    ],
)
def test_uptime_is_the_share_of_known_outcomes_that_were_not_down(
    outcomes: tuple[Outcome, ...], ratio: float | None
) -> None:
    assert uptime([tallied(*outcomes), tallied()]) == ratio


def test_an_hour_begins_on_the_hour() -> None:
    assert hour_of(3 * HOUR + 1) == 3 * HOUR == hour_of(3 * HOUR)


def test_of_two_accounts_of_an_hour_the_fuller_one_is_taken() -> None:
    begun, grown = Tally(endpoint=7, hour=HOUR, up=1), Tally(endpoint=7, hour=HOUR, up=1, unknown=1)
    over = Tally(endpoint=7, hour=0, down=9)
    assert newest([begun], [grown, over]) == [over, grown]
    assert newest([over, grown], [begun]) == [over, grown]
