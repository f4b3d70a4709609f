"""Months in a time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from milkrun.core.months import Month, month_of, parse_month

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("text", "month"), [("2026-10", Month(2026, 10)), ("1970-01", Month(1970, 1))])
def test_a_month_is_read_as_it_is_written(text: str, month: Month) -> None:
    assert parse_month(text) == month
    assert str(month) == text


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "0999-01", "٢٠٢٦-10"]
)
def test_what_is_no_month_is_none(text: str) -> None:
    assert parse_month(text) is None


@pytest.mark.parametrize(
    ("months", "found"), [(0, "2026-11"), (1, "2026-12"), (2, "2027-01"), (-10, "2026-01"), (-11, "2025-12")]
)
def test_months_follow_each_other_over_years(months: int, found: str) -> None:
    assert str(Month(2026, 11).step(months)) == found


def test_a_month_begins_and_ends_by_its_zones_clock() -> None:
    october = Month(2026, 10)
    assert october.begin(BERLIN) == int(datetime(2026, 9, 30, 22, tzinfo=UTC).timestamp() * 1_000)
    assert october.end(BERLIN) == int(datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp() * 1_000)
    assert october.end(UTC) == Month(2026, 11).begin(UTC)


def test_a_moment_is_in_another_month_elsewhere() -> None:
    moment = int(datetime(2026, 9, 30, 22, 30, tzinfo=UTC).timestamp() * 1_000)
    assert (month_of(moment, UTC), month_of(moment, BERLIN)) == (Month(2026, 9), Month(2026, 10))


def test_a_month_has_a_name() -> None:
    assert Month(2026, 10).name == "October 2026"
