"""Durations, as Go writes and Gatus shows them."""

import pytest

from milkrun.core.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("10ms", 10),
        ("5s", 5_000),
        ("1h30m", 5_400_000),
        ("48h", 172_800_000),
        ("30d", 2_592_000_000),
        ("1y", 31_536_000_000),
        ("1.5h", 5_400_000),
        (".5s", 500),
        ("1.s", 1_000),
        ("-1m", -60_000),
        ("+1m", 60_000),
        ("1us", 0.001),
        ("1µs", 0.001),
        ("1μs", 0.001),
        ("1000ns", 0.001),
        ("0", 0),
        ("-0", 0),
    ],
)
def test_a_duration_is_read_as_milliseconds(text: str, milliseconds: float) -> None:
    assert parse_duration(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1w", "1h 30m", "1:30", "1e3s", "--1s", ".s", "1s" * 40, "٣s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (999, "0s"),
        (15_000, "15s"),
        (60_000, "1m"),
        (90_500, "1m30s"),
        (3_600_000, "1h"),
        (3_615_000, "1h0m15s"),
        (5_400_000, "1h30m"),
        (1_209_600_000, "336h"),
        (-5_400_000, "-1h30m"),
    ],
)
def test_a_duration_is_shown_without_the_parts_that_are_zero(milliseconds: float, text: str) -> None:
    assert format_duration(milliseconds) == text
