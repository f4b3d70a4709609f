"""How figures and bars read."""

import pytest

from milkrun.cli.bars import bar
from milkrun.client.compare.words import count, counted, listed, seconds, times


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.00042, "0.42 ms"),
        (0.0123, "12.3 ms"),
        (0.1234, "123 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1.00 s"),
        (12.34, "12.3 s"),
        (123.4, "123 s"),
    ],
)
def test_seconds_have_three_digits(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


def test_numbers_have_their_thousands_apart() -> None:
    assert (count(2_000), count(None)) == ("2,000", "–")
    assert (counted(1, "connection"), counted(2_000, "connection")) == ("1 connection", "2,000 connections")


@pytest.mark.parametrize(("ratio", "shown"), [(1.26, "1.3 times"), (9.96, "10 times"), (52.3, "52 times")])
def test_a_ratio_has_a_decimal_while_that_says_something(ratio: float, shown: str) -> None:
    assert times(ratio) == shown


@pytest.mark.parametrize(
    ("parts", "shown"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ([*"abc"], "a, b and c")]
)
def test_several_things_are_listed_as_in_a_sentence(parts: str, shown: str) -> None:
    assert listed([*parts]) == shown


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(0, ""), (-1, ""), (0.001, "▏"), (4, "████"), (2, "██"), (1.5, "█▌"), (9, "████")],
)
def test_a_bar_is_as_long_as_its_value_and_what_is_more_than_nothing_shows(value: float, drawn: str) -> None:
    assert bar(value, scale=4, width=4) == drawn


def test_a_bar_without_room_is_none() -> None:
    assert bar(1, scale=1, width=0) == ""
