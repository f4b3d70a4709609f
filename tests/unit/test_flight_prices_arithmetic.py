"""How many descriptors each version of the flight-price service needs, and that the plan follows from it."""

import math
from pathlib import Path
from random import Random

import msgspec
import pytest
from examples.flight_prices import arithmetic
from examples.flight_prices.airlines import AIRLINES, Airline
from examples.flight_prices.plan import Plan
from examples.flight_prices.quotes import WITHIN

QUICK = Airline(
    code="QU", name="Quail", http2=False, median=0.050, sigma=0.3, handshake=0.2, per_second=None, patience=0.7
)
IDS = [airline.name for airline in AIRLINES]


def test_a_call_that_is_never_cut_off_takes_the_mean_of_its_lognormal_time() -> None:
    expected = QUICK.median * math.exp(QUICK.sigma**2 / 2)
    assert arithmetic.call_time(QUICK, cold=False) == pytest.approx(expected, rel=1e-3)


def test_a_new_connection_costs_the_handshake_on_top() -> None:
    warm, cold = (arithmetic.call_time(QUICK, cold=cold) for cold in (False, True))
    assert cold - warm == pytest.approx(QUICK.handshake, abs=1e-3)


def test_a_call_that_cannot_end_in_time_takes_all_our_patience() -> None:
    far = msgspec.structs.replace(QUICK, handshake=5.0)
    assert arithmetic.call_time(far, cold=True) == pytest.approx(far.patience, abs=1e-3)


def test_nobody_is_waited_for_longer_than_the_service_has() -> None:
    endless = msgspec.structs.replace(QUICK, handshake=5.0, patience=5.0)
    assert arithmetic.call_time(endless, cold=True) == pytest.approx(WITHIN, abs=1e-3)


@pytest.mark.parametrize("airline", AIRLINES, ids=IDS)
def test_the_reckoned_time_is_the_mean_of_what_the_dice_give(airline: Airline) -> None:
    dice = Random(1)  # noqa: S311  # it must be repeatable
    drawn = [airline.median * dice.lognormvariate(0.0, airline.sigma) for _ in range(2_000)]
    mean = sum(min(seconds, airline.patience) for seconds in drawn) / len(drawn)
    assert arithmetic.call_time(airline, cold=False) == pytest.approx(mean, rel=0.05)


def test_an_answer_takes_longer_than_any_of_its_calls_and_no_longer_than_it_may() -> None:
    slowest = max(arithmetic.call_time(airline, cold=False) for airline in AIRLINES)
    assert slowest < arithmetic.answer_time(cold=False) < arithmetic.answer_time(cold=True) <= WITHIN


def test_twice_the_users_need_twice_what_comes_and_goes_and_nothing_more_of_the_rest() -> None:
    once, twice = arithmetic.right(12.0), arithmetic.right(24.0)
    assert twice.users == pytest.approx(2 * once.users)
    assert twice.passing == pytest.approx(2 * once.passing)
    assert twice.kept == once.kept == sum(airline.http2 for airline in AIRLINES)


def test_half_of_the_airlines_speak_http2() -> None:
    assert sum(airline.http2 for airline in AIRLINES) * 2 == len(AIRLINES) == 10


def test_at_the_peak_one_client_never_needs_half_of_the_limit() -> None:
    plan = Plan()
    assert arithmetic.right(plan.peak).mean < arithmetic.right_at_most(plan.peak) < plan.limit / 2


def test_the_right_versions_budget_is_the_one_that_is_reckoned_with() -> None:
    version = (Path(arithmetic.__file__).parent / "service_right.py").read_text()
    assert f"Descriptors({arithmetic.BUDGET})" in version


def test_at_the_peak_a_client_per_request_needs_more_than_the_limit() -> None:
    assert arithmetic.broken(Plan().peak).mean > 1.1 * Plan().limit


def test_while_it_is_quiet_a_client_per_request_gets_by() -> None:
    assert arithmetic.broken(Plan().quiet).mean < Plan().limit / 2


def test_users_come_evenly_and_more_of_them_in_the_middle_third() -> None:
    plan = Plan(seconds=9.0, quiet=2.0, peak=10.0)
    arrivals = list(plan.arrivals())
    by_third = [sum(third * 3 <= at < third * 3 + 3 for at in arrivals) for third in range(3)]
    assert by_third == [pytest.approx(6, abs=1), pytest.approx(30, abs=1), pytest.approx(6, abs=1)]
    assert arrivals == sorted(arrivals)
    assert arrivals[0] == 0.0


@pytest.mark.parametrize(("at", "rate"), [(0.0, 6.0), (9.9, 6.0), (10.0, 24.0), (19.9, 24.0), (20.0, 6.0)])
def test_the_rate_is_the_peaks_in_the_middle_third_alone(at: float, rate: float) -> None:
    assert Plan(seconds=30.0, quiet=6.0, peak=24.0).rate(at) == rate
