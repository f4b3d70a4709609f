"""How much a comparison may be."""

import re
from pathlib import Path

import pytest

from milkrun.client.compare.plan import FAR, NEAR, Load, check
from milkrun.client.errors import UsageError


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (Load(requests=0), "--requests 0: expected more than 0"),
        (Load(rounds=-1), "--rounds -1: expected more than 0"),
        (Load(concurrency=0), "--concurrency 0: expected more than 0"),
        (Load(within=0), "--within 0: expected more than 0"),
        (Load(requests=10, concurrency=20), "--concurrency 20 is more than --requests 10"),
        (Load(requests=20_001), "--requests 20,001: expected 20,000 at most"),
        (Load(requests=20_000, concurrency=1_001), "--concurrency 1,001: expected 1,000 at most"),
        (Load(rounds=21), "--rounds 21: expected 20 at most"),
        (Load(within=601), "--within 601: expected 600 at most"),
    ],
)
def test_a_load_that_makes_no_sense_or_is_too_much_is_refused_by_its_option(load: Load, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        check(load)


def test_the_most_that_is_allowed_is_allowed() -> None:
    check(Load(requests=20_000, concurrency=1_000, rounds=20, within=600))


@pytest.mark.parametrize("option", ["requests", "concurrency", "rounds", "within"])
def test_the_bounds_are_those_that_are_documented(option: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/compare.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `--{option}`.*?\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    assert row is not None
    assert [int(number.replace(",", "")) for number in row.groups()] == [
        getattr(load, option) for load in (NEAR, FAR, Load())
    ]
