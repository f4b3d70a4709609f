"""The small graphics, as path data."""

import re

from milkrun.core.outcome import Outcome
from milkrun.web import marks

UP, DOWN = marks.OUTCOMES.index(Outcome.UP), marks.FAILURE


def heights(path: str) -> list[int]:
    return [int(height) for height in re.findall(r"v-(\d+)", path)]


def test_the_newest_result_is_the_rightmost_bar() -> None:
    assert marks.sparkline([(UP, 5.0)], 30)[Outcome.UP].startswith(f"M{29 * marks.BAR + 2} ")


def test_a_slower_answer_is_a_higher_bar_and_none_vanishes() -> None:
    low, middle, high = heights(marks.sparkline([(UP, 0.0), (UP, 50.0), (UP, 200.0)], 3)[Outcome.UP])
    assert marks.SMALLEST == low < middle < high == marks.HEIGHT - 1


def test_a_failure_is_as_high_as_the_row_however_fast_it_came() -> None:
    drawn = marks.sparkline([(UP, 100.0), (DOWN, 0.1)], 2)
    assert heights(drawn[Outcome.DOWN]) == [marks.HEIGHT]


def test_failures_alone_can_be_drawn() -> None:
    assert list(marks.sparkline([(DOWN, 0.0)], 3)) == [Outcome.DOWN]


def test_nothing_yet_draws_nothing() -> None:
    assert marks.sparkline([], 30) == {}


def test_cells_fill_row_after_row_and_states_differ_in_shape() -> None:
    drawn = marks.cells([Outcome.UP, Outcome.UP, Outcome.DOWN], columns=2)
    assert drawn[Outcome.UP].count("M") == 2
    assert drawn[Outcome.DOWN] == f"M2 {marks.CELL + 2}{marks.SHAPES[Outcome.DOWN]}"
    assert len(set(marks.SHAPES.values())) == len(Outcome)


def test_a_line_needs_two_points_and_puts_the_top_at_the_edge() -> None:
    assert marks.line([1], width=10, height=10, top=1) == ""
    assert marks.line([0, 4], width=10, height=10, top=4) == "M0.0 10.0L10.0 0.0"
    assert marks.line([0, 0], width=10, height=10, top=0) == "M0.0 10.0L10.0 10.0"
