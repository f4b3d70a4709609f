import pytest

from milkrun.alerting.throttle import GIVEN_UP, Throttle, given_up_before, next_wait
from milkrun.config.settings import Rate
from tests.support.history import START


@pytest.mark.parametrize(("tried", "wait"), [(0, 5.0), (1, 10.0), (2, 20.0), (7, 640.0), (8, 900.0), (5_000, 900.0)])
def test_each_wait_is_twice_the_last_one_up_to_a_quarter_of_an_hour(tried: int, wait: float) -> None:
    assert next_wait(tried, 0.5, after=None) == wait
    assert next_wait(tried, 0.0, after=None) == pytest.approx(wait * 0.8)
    assert next_wait(tried, 1.0, after=None) == pytest.approx(wait * 1.2)


def test_a_receivers_wish_is_a_least_wait_and_has_a_bound() -> None:
    assert next_wait(0, 0.5, after=60.0) == 60.0
    assert next_wait(4, 0.5, after=60.0) == 80.0
    assert next_wait(0, 0.5, after=1e9) == 3_600.0


def test_a_channel_is_given_a_day() -> None:
    assert given_up_before(None, START) is None
    assert given_up_before(START, START + GIVEN_UP - 1) is None
    assert given_up_before(START, START + GIVEN_UP) == START


def test_letters_go_at_once_up_to_the_rate_and_then_one_at_a_time() -> None:
    throttle = Throttle(Rate(count=2, per=10_000))
    for _ in range(2):
        assert throttle.wait(1_000.0) == 0.0
        throttle.take()
    assert throttle.wait(1_000.0) == pytest.approx(5.0)
    assert throttle.wait(1_003.0) == pytest.approx(2.0)
    assert throttle.wait(1_005.0) == pytest.approx(0.0)
    throttle.take()
    assert throttle.wait(9_999.0) == 0.0
    for _ in range(2):
        throttle.take()
    assert throttle.wait(9_999.0) == pytest.approx(5.0), "what was not used does not pile up"


def test_a_channel_without_a_rate_waits_for_nothing() -> None:
    throttle = Throttle(None)
    throttle.take()
    assert throttle.wait(0.0) == 0.0
