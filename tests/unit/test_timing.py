from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.alert import Digest, QuietHours
from milkrun.core.incident import Severity
from milkrun.core.timing import after_quiet, due, next_digest
from tests.support.alerts import a_route

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


def at(text: str) -> int:
    """The epoch millisecond of a wall time in Berlin."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1_000)


def shown(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000, BERLIN).strftime("%Y-%m-%d %H:%M")


def quiet(begins: str = "22:00", ends: str = "07:00", **changes: Any) -> QuietHours:
    return QuietHours(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), zone=BERLIN, **changes)


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2026-11-23 21:59", "2026-11-23 21:59"),
        ("2026-11-23 22:00", "2026-11-24 07:00"),
        ("2026-11-24 03:00", "2026-11-24 07:00"),
        ("2026-11-24 07:00", "2026-11-24 07:00"),
    ],
)
def test_quiet_hours_over_midnight_wait_for_the_morning(moment: str, goes: str) -> None:
    assert shown(after_quiet(quiet(), Severity.CRITICAL, at(moment))) == goes


def test_quiet_hours_within_a_day_end_on_it() -> None:
    lunch = quiet("12:00", "13:00")
    assert shown(after_quiet(lunch, Severity.CRITICAL, at("2026-11-23 12:30"))) == "2026-11-23 13:00"
    assert shown(after_quiet(lunch, Severity.CRITICAL, at("2026-11-23 11:30"))) == "2026-11-23 11:30"


def test_the_day_of_quiet_hours_is_the_one_they_begin_on() -> None:
    friday = quiet(days=frozenset({4}))
    assert shown(after_quiet(friday, Severity.CRITICAL, at("2026-11-28 03:00"))) == "2026-11-28 07:00"
    assert shown(after_quiet(friday, Severity.CRITICAL, at("2026-11-27 03:00"))) == "2026-11-27 03:00"


def test_what_may_not_wait_passes() -> None:
    kind = quiet(save=frozenset({Severity.CRITICAL}))
    assert shown(after_quiet(kind, Severity.CRITICAL, at("2026-11-23 23:00"))) == "2026-11-23 23:00"
    assert shown(after_quiet(kind, Severity.WARNING, at("2026-11-23 23:00"))) == "2026-11-24 07:00"


def test_hours_that_end_when_they_begin_are_none() -> None:
    assert shown(after_quiet(quiet("07:00", "07:00"), Severity.CRITICAL, at("2026-11-23 07:00"))) == "2026-11-23 07:00"


def test_hours_that_would_never_end_are_none_either() -> None:
    endless = QuietHours(begins=time(0, 0, 0, 1), ends=time(0), zone=BERLIN)
    assert shown(after_quiet(endless, Severity.CRITICAL, at("2026-11-23 23:00"))) == "2026-11-23 23:00"


def test_hours_that_a_change_of_clocks_joins_end_with_the_last_of_them() -> None:
    assert shown(after_quiet(quiet("03:15", "02:30"), Severity.CRITICAL, at("2026-03-29 00:30"))) == "2026-03-30 02:30"


@pytest.mark.parametrize(
    ("night", "hours"), [("2026-03-28 22:00", 8), ("2026-10-24 22:00", 10), ("2026-11-23 22:00", 9)]
)
def test_a_night_is_as_long_as_the_clocks_make_it(night: str, hours: int) -> None:
    assert after_quiet(quiet(), Severity.CRITICAL, at(night)) - at(night) == hours * HOUR


def test_an_end_that_the_clocks_leave_out_comes_as_long_after_the_change() -> None:
    assert shown(after_quiet(quiet(ends="02:30"), Severity.CRITICAL, at("2026-03-28 23:00"))) == "2026-03-29 03:30"


@given(
    begins=st.times(),
    ends=st.times(),
    moment=st.integers(at("2026-01-01 00:00"), at("2027-01-01 00:00")),
    data=st.data(),
)
def test_no_message_goes_in_quiet_hours_nor_before_its_time(
    begins: time, ends: time, moment: int, data: st.DataObject
) -> None:
    days = frozenset(data.draw(st.sets(st.integers(0, 6))))
    hours = QuietHours(begins=begins, ends=ends, zone=BERLIN, days=days)
    goes = after_quiet(hours, Severity.CRITICAL, moment)
    assert goes >= moment
    assert after_quiet(hours, Severity.CRITICAL, goes) == goes


def test_a_digest_goes_at_every_round_number_of_its_time() -> None:
    hourly = Digest(every=HOUR)
    assert shown(next_digest(hourly, at("2026-11-23 10:00") + 1)) == "2026-11-23 11:00"
    assert shown(next_digest(hourly, at("2026-11-23 11:00"))) == "2026-11-23 11:00"


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2026-11-23 08:59", "2026-11-23 09:00"),
        ("2026-11-23 09:00", "2026-11-23 09:00"),
        ("2026-11-23 09:01", "2026-11-24 09:00"),
        ("2026-03-28 09:01", "2026-03-29 09:00"),
    ],
)
def test_a_daily_digest_goes_at_its_wall_time(moment: str, goes: str) -> None:
    assert shown(next_digest(Digest(at=time(9), zone=BERLIN), at(moment))) == goes


def test_a_digest_without_a_zone_is_of_universal_time_and_one_without_a_time_waits_for_nothing() -> None:
    assert shown(next_digest(Digest(at=time(9)), at("2026-11-23 09:30"))) == "2026-11-23 10:00"
    assert next_digest(Digest(), 7) == 7


def test_what_a_digest_puts_into_quiet_hours_goes_after_them() -> None:
    route = a_route(quiet=quiet(), digest=Digest(every=12 * HOUR))
    assert shown(due(route, Severity.WARNING, at("2026-11-23 20:00"))) == "2026-11-24 07:00"
    assert shown(due(a_route(), Severity.WARNING, at("2026-11-23 23:00"))) == "2026-11-23 23:00"
