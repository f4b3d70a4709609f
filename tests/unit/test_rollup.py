"""Roll-ups: counted from results, merged, asked for percentiles, and as bytes."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Latency, Period, Rollup, draft, finish, fold, merge, roll_up, together
from milkrun.core.rollup_bytes import decode_phases, encode_phases
from tests.support.history import START, a_failure, a_result

FIVE = Period.FIVE_MINUTES


def one(*results: Result) -> Rollup:
    """The only roll-up of these results."""
    (found,) = roll_up(FIVE, results)
    return found


def timed(**phases: float) -> Timings:
    """Timings in milliseconds."""
    return Timings(**{phase: value / 1_000 for phase, value in phases.items()})


def test_outcomes_are_counted_each_by_itself() -> None:
    rollup = one(*(a_result(outcome=outcome) for outcome in (*Outcome, Outcome.UP)))
    assert (rollup.up, rollup.degraded, rollup.down, rollup.unknown, rollup.maintenance) == (2, 1, 1, 1, 0)


def test_what_happens_under_maintenance_is_counted_there_alone_and_has_no_latency() -> None:
    rollup = one(a_failure(maintenance=True), a_result(connection=Connection.COLD, maintenance=True))
    assert rollup == Rollup(
        period=FIVE, start=START, endpoint=1, location="local", connection=Connection.COLD, maintenance=2
    )


def test_there_is_one_for_each_period_endpoint_location_and_connection() -> None:
    keys = list(
        product((START, START + FIVE.value), (1, 2), ("local", "paris"), (Connection.WARM, Connection.COLD, None))
    )
    results = [
        a_result(endpoint, slot, location=location, connection=connection)
        for slot, endpoint, location, connection in keys
    ]
    found = roll_up(FIVE, results + results)
    assert [(each.start, each.endpoint, each.location, each.connection) for each in found] == keys
    assert {each.up for each in found} == {2}


def test_latencies_are_whole_microseconds_by_phase() -> None:
    timings = [timed(wait=12.1, receive=0.3, total=12.5), timed(wait=20, receive=0, total=20.1)]
    phases = one(*(a_result(timings=each) for each in timings)).phases
    assert set(phases) == {"wait", "receive", "total"}
    wait = phases["wait"]
    assert (wait.count, wait.sum, wait.min, wait.max, wait.sketch.count) == (2, 32_100, 12_100, 20_000, 2)
    assert (phases["receive"].count, phases["total"].count) == (1, 2)


def test_a_cold_check_has_the_phases_that_happened() -> None:
    timings = timed(dns=0, connect=3, tls=9, wait=12, receive=1, total=25)
    assert set(one(a_result(connection=Connection.COLD, timings=timings)).phases) == {
        "connect", "tls", "wait", "receive", "total"
    }  # fmt: skip


def test_how_long_it_took_to_fail_is_no_latency() -> None:
    rollup = one(a_failure(), a_failure(failure=Failure(layer=Layer.WAIT, kind="timeout", message="")))
    assert (rollup.down, rollup.phases) == (2, {})


def test_an_answer_over_no_connection_has_a_total() -> None:
    assert set(one(a_result(connection=None, timings=timed(total=5))).phases) == {"total"}


def test_a_draft_goes_on_after_it_was_finished() -> None:
    results = [a_result(timings=timed(wait=wait, total=wait)) for wait in (10, 20, 30)]
    growing = draft(FIVE, results[0])
    for result in results:
        fold(growing, result)
        finish(growing)
    assert finish(growing) == one(*results)


RESULTS = st.lists(
    st.builds(
        a_result,
        outcome=st.sampled_from(list(Outcome)),
        maintenance=st.booleans(),
        timings=st.builds(lambda wait: Timings(wait=wait, total=wait + 0.001), st.floats(0, 60)),
    ),
    min_size=1,
    max_size=12,
)


@given(RESULTS, RESULTS)
def test_merging_is_the_same_as_counting_together(some: list[Result], others: list[Result]) -> None:
    merged, part = one(*some), one(*others)
    merge(merged, part)
    assert merged == one(*some, *others)
    assert part == one(*others)


def test_a_merged_roll_up_shares_nothing_with_its_parts() -> None:
    part = one(a_result())
    whole = Rollup(period=FIVE, start=START, endpoint=1, location="local", connection=Connection.WARM)
    merge(whole, part)
    merge(whole, part)
    assert part == one(a_result())


@given(RESULTS)
def test_the_phases_come_back_from_bytes(results: list[Result]) -> None:
    phases = one(*results).phases
    assert decode_phases(encode_phases(phases)) == phases


def test_five_warm_minutes_take_a_hundred_bytes_at_most() -> None:
    chance = Random(1)  # noqa: S311 - the same values every time
    results = [
        a_result(timings=Timings(wait=wait, receive=chance.uniform(0.0001, 0.0005), total=wait + 0.0005))
        for wait in (chance.lognormvariate(-4.4, 0.3) for _ in range(30))
    ]
    assert len(encode_phases(one(*results).phases)) <= 100


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x06\x01\x00\x01\x01\x02", b"\x00\x01\x00\x01\x05\x02", b"\x00\x01\x00\x01\x00"]
)
def test_bytes_that_are_no_phases_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"phase|cut off|sketch"):
        decode_phases(data)


def test_a_percentile_is_over_all_roll_ups_in_milliseconds() -> None:
    rollups = [one(a_result(timings=timed(total=total))) for total in range(1, 101)]
    total = together(rollup.phases["total"] for rollup in rollups)
    assert total.quantile(0.5) == pytest.approx(50, rel=0.01)
    assert total.quantile(0.99) == pytest.approx(99, rel=0.01)
    assert together([]).quantile(0.5) is None


@given(st.integers(1, 10**8), st.floats(0, 1))
def test_a_percentile_is_never_outside_of_what_was_seen(microseconds: int, q: float) -> None:
    rollup = one(a_result(timings=Timings(total=microseconds / 1e6)))
    assert rollup.phases["total"].quantile(q) == microseconds / 1_000


def test_an_empty_latency_adds_nothing() -> None:
    rollup, known = one(a_result()), one(a_result())
    merge(rollup, Rollup(period=FIVE, start=0, endpoint=1, location="", connection=None, phases={"total": Latency()}))
    assert rollup == known


@pytest.mark.parametrize("period", list(Period))
def test_a_period_ends_where_the_next_begins(period: Period) -> None:
    begin = period.begin(START + 1)
    assert begin <= START < period.end(START) == period.begin(period.end(START))
    assert begin % period.value == 0
