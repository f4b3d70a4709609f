"""Times on a command line."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from milkrun.cli.moments import parse_moment

NOW = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1_000)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-10-01", datetime(2026, 9, 30, 22, tzinfo=UTC)),
        ("2026-10-01T12:30", datetime(2026, 10, 1, 10, 30, tzinfo=UTC)),
        ("2026-10-01 12:30:15", datetime(2026, 10, 1, 10, 30, 15, tzinfo=UTC)),
        ("2026-10-01T12:30:00Z", datetime(2026, 10, 1, 12, 30, tzinfo=UTC)),
        ("2026-10-01T12:30:00+05:30", datetime(2026, 10, 1, 7, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 16, 12, tzinfo=UTC)),
        ("0", datetime(2026, 11, 23, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_its_zone_or_as_how_long_ago(text: str, found: datetime) -> None:
    assert parse_moment(text, now=NOW, zone=BERLIN) == int(found.timestamp() * 1_000)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "25:00", "-1h", "2026-10-01T99:00", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_moment(text, now=NOW, zone=BERLIN) is None
