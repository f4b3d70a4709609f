"""What is typical of several rounds."""

import pytest

from milkrun.client.compare.figures import quantile, standing
from tests.support.comparing import figures, turn


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.99, 3.0), ([4.0, 1.0, 2.0, 3.0], 0.5, 3.0), ([*map(float, range(200))], 0.99, 198.0)],
)
def test_a_quantile_is_a_value_that_occurred(values: list[float], share: float, expected: float | None) -> None:
    assert quantile(values, share) == expected


def test_the_median_of_each_figure_is_typical_and_the_extremes_are_kept() -> None:
    rounds = [turn(whole=figures(wall=wall, connections=number)) for wall, number in ((3.0, 7), (1.0, 9), (2.0, 8))]
    made = standing(rounds)
    assert (made.typical.whole.wall, made.typical.whole.connections) == (2.0, 8)
    assert (made.low.wall, made.high.wall) == (1.0, 3.0)
    assert (made.low.connections, made.high.connections) == (7, 9)
    assert made.rounds == tuple(rounds)


def test_of_an_even_number_of_rounds_the_typical_one_is_a_figure_that_occurred() -> None:
    assert standing([turn(descriptors=10), turn(descriptors=13)]).typical.descriptors == 10


def test_statuses_and_errors_are_those_of_all_rounds() -> None:
    rounds = [turn(statuses={"200": 5}, errors={}), turn(statuses={"503": 1, "200": 2}, errors={"ReadError": 2})]
    typical = standing(rounds).typical
    assert (typical.statuses, typical.errors) == ({"200": 7, "503": 1}, {"ReadError": 2})


def test_what_some_rounds_do_not_tell_is_that_of_those_that_do() -> None:
    untold = figures(p50=None, p99=None, answered=0)
    made = standing([turn(time_wait=None, whole=untold), turn(time_wait=4), turn(time_wait=None, whole=untold)])
    assert made.typical.time_wait == 4
    assert made.typical.whole.p50 == 0.01


def test_what_no_round_tells_stays_untold() -> None:
    typical = standing([turn(time_wait=None, steady=None)]).typical
    assert (typical.time_wait, typical.steady) == (None, None)
