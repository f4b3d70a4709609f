"""Slots: when an endpoint is due."""

from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.slots import phase
from tests.support.slots import next_slot, slots_between

keys = st.integers().map("core_{}".format)
intervals = st.integers(min_value=1, max_value=86_400_000)
moments = st.integers(min_value=0, max_value=4_000_000_000_000)


def test_a_phase_is_the_same_on_every_machine() -> None:
    assert phase("core_checkout", 10_000) == 5_444


@given(key=keys, interval=intervals)
def test_a_phase_lies_within_its_interval(key: str, interval: int) -> None:
    assert 0 <= phase(key, interval) < interval


def test_phases_spread_evenly() -> None:
    tenths = [phase(f"core_service-{number}", 10_000) // 1_000 for number in range(10_000)]
    assert all(850 < tenths.count(tenth) < 1_150 for tenth in range(10))


@given(now=moments, key=keys, interval=intervals)
def test_the_next_slot_is_the_first_one_at_or_after_now(now: int, key: str, interval: int) -> None:
    begin = phase(key, interval)
    slot = next_slot(now, begin, interval)
    assert slot % interval == begin
    assert now <= slot < now + interval


@given(began=moments, span=st.integers(min_value=0, max_value=100_000), begin=st.integers(0, 499))
def test_the_slots_between_two_moments_join_without_gap_or_overlap(began: int, span: int, begin: int) -> None:
    middle, ended = began + span // 2, began + span
    whole = slots_between(began, ended, begin, 500)
    assert [*slots_between(began, middle, begin, 500), *slots_between(middle, ended, begin, 500)] == list(whole)
    assert all(began <= slot < ended and slot % 500 == begin for slot in whole)
    assert len(whole) in (span // 500, span // 500 + 1)
