"""The benchmarks' own arithmetic and tables: a wrong one would look as convincing as a right one."""

from pathlib import Path

import pytest
from benchmarks import table
from benchmarks.measure import paired_ratio, quantile


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [([3, 1, 2], 0.5, 2), (range(100), 0.99, 99), (range(100), 0.95, 95), ([7], 0.99, 7), ([1, 2], 1.0, 2)],
)
def test_a_quantile_is_one_of_the_values(values: list[float], q: float, expected: float) -> None:
    assert quantile(values, q) == expected


def test_a_ratio_is_taken_round_by_round_so_that_a_disturbed_round_counts_once() -> None:
    assert paired_ratio([10, 200, 12], [10, 100, 8]) == 1.5


@pytest.mark.parametrize(("measured", "met"), [(1.6, True), (1.601, False)])
def test_a_goal_that_is_missed_is_said_to_be_missed(measured: float, met: bool) -> None:
    row = table.at_most("warm request", measured, 1.6, "bare")
    assert row.met is met
    assert ("**NOT met**" in table.goals([row])) is not met


def test_figures_leave_open_what_was_not_measured() -> None:
    text = table.figures("CPU", {"50": {"bare": 10.0, "httpx2": 890.0}, "10,000": {"bare": 16.04}}, unit="us")
    assert "| httpx2 | 890.0 |  |" in text
    assert "| bare | 10.0 | 16.0 |" in text


def test_a_report_replaces_its_own_block_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- client:begin -->\nold\n<!-- client:end -->\n<!-- monitor:begin -->x<!-- monitor:end -->"
    )
    table.replace_block(page, "client", "new")
    assert page.read_text() == (
        "before\n<!-- client:begin -->\n\nnew\n\n<!-- client:end -->\n<!-- monitor:begin -->x<!-- monitor:end -->"
    )


def test_a_page_without_the_block_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(SystemExit, match="no block"):
        table.replace_block(page, "client", "new")
    assert page.read_text() == "nothing here\n"
