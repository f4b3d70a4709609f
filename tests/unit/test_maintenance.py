"""Maintenance windows: when they cover a slot, over days on which the clocks change as on any other."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.maintenance import DAY_MS, Calendar, Cron, OneOff, Recurring, Stretch, Weekly, Window, stretch

HOUR = 3_600_000
MINUTE = 60_000
BERLIN = ZoneInfo("Europe/Berlin")
AUCKLAND = ZoneInfo("Pacific/Auckland")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MONDAY, SUNDAY = 0, 6


def utc(text: str) -> int:
    """Epoch ms of a time in UTC, written `2026-11-23 10:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def nights(window: Window, since: str, until: str) -> list[tuple[str, str]]:
    """When it is on between two days, in UTC, found by asking every minute."""
    calendar, found, began = Calendar([window]), [], None
    for at in range(utc(since), utc(until), MINUTE):
        on = calendar.covers(at)
        if on and began is None:
            began = at
        elif not on and began is not None:
            found.append((shown(began), shown(at)))
            began = None
    return found


def shown(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1_000, UTC):%m-%d %H:%M}"


def weekly(start: str, hours: float, zone: ZoneInfo, *days: int) -> Weekly:
    return Weekly(
        start=time.fromisoformat(start),
        duration=int(hours * HOUR),
        zone=zone,
        days=frozenset(days) or frozenset(range(7)),
    )


def test_a_window_begins_with_its_first_millisecond_and_ends_before_its_last() -> None:
    window = OneOff(begins=DAY_MS * 10, duration=HOUR)
    slots = (DAY_MS * 10 - 1, DAY_MS * 10, DAY_MS * 10 + HOUR - 1, DAY_MS * 10 + HOUR)
    assert [Calendar([window]).covers(slot) for slot in slots] == [False, True, True, False]
    lasting = Calendar([window])
    assert [lasting.covers(slot) for slot in slots] == [False, True, True, False]


def test_a_week_has_its_days_and_nights_go_over_midnight() -> None:
    window = weekly("23:30", 1, BERLIN, SUNDAY)
    assert nights(window, "2026-06-01 00:00", "2026-06-16 00:00") == [
        ("06-07 21:30", "06-07 22:30"),
        ("06-14 21:30", "06-14 22:30"),
    ]


@pytest.mark.parametrize(
    ("window", "around", "expected"),
    [
        # Berlin: 02:00 to 03:00 is skipped on 29 March 2026, and passed twice on 25 October 2026.
        (weekly("02:30", 1, BERLIN), "2026-03-29", ("03-29 01:30", "03-29 02:30")),
        (weekly("02:30", 1, BERLIN), "2026-10-25", ("10-25 00:30", "10-25 01:30")),
        (weekly("01:30", 2, BERLIN), "2026-03-29", ("03-29 00:30", "03-29 02:30")),
        (weekly("01:30", 2, BERLIN), "2026-10-25", ("10-24 23:30", "10-25 01:30")),
        # Auckland: 02:00 to 03:00 is skipped on 27 September 2026, and passed twice on 5 April 2026.
        (weekly("02:30", 1, AUCKLAND), "2026-09-27", ("09-26 14:30", "09-26 15:30")),
        (weekly("02:30", 1, AUCKLAND), "2026-04-05", ("04-04 13:30", "04-04 14:30")),
        # Lord Howe Island moves its clocks by half an hour.
        (weekly("02:15", 1, LORD_HOWE), "2026-10-04", ("10-03 15:45", "10-03 16:45")),
        (Recurring(rule="FREQ=DAILY", start=datetime(2026, 1, 1, 2, 30), duration=HOUR, zone=BERLIN), "2026-03-29",  # noqa: DTZ001 - wall time
         ("03-29 01:30", "03-29 02:30")),
        (Recurring(rule="FREQ=DAILY", start=datetime(2026, 1, 1, 2, 30), duration=HOUR, zone=BERLIN), "2026-10-25",  # noqa: DTZ001 - wall time
         ("10-25 00:30", "10-25 01:30")),
        # Debian's cron runs what is skipped as soon as the clocks have been moved.
        (Cron(expression="30 2 * * *", duration=HOUR, zone=BERLIN), "2026-03-29", ("03-29 01:00", "03-29 02:00")),
        (Cron(expression="30 2 * * *", duration=HOUR, zone=BERLIN), "2026-10-25", ("10-25 00:30", "10-25 01:30")),
    ],
)  # fmt: skip
def test_on_the_day_the_clocks_change_there_is_one_window_of_its_full_length(
    window: Window, around: str, expected: tuple[str, str]
) -> None:
    day = datetime.fromisoformat(around)
    zone = window.zone  # type: ignore[union-attr]  # no window here is a single one
    midnight = day.replace(tzinfo=zone)
    since = f"{(midnight).astimezone(UTC) - timedelta(minutes=30):%Y-%m-%d %H:%M}"
    until = f"{(midnight).astimezone(UTC) + timedelta(hours=20):%Y-%m-%d %H:%M}"
    assert nights(window, since, until) == [expected]


def test_the_day_after_the_clocks_changed_a_window_is_at_its_wall_time_again() -> None:
    assert nights(weekly("12:00", 1, BERLIN), "2026-03-28 00:00", "2026-03-31 00:00") == [
        ("03-28 11:00", "03-28 12:00"),
        ("03-29 10:00", "03-29 11:00"),
        ("03-30 10:00", "03-30 11:00"),
    ]


def test_a_recurrence_is_by_its_rule_from_its_start_on() -> None:
    first_sundays = Recurring(
        rule="FREQ=MONTHLY;BYDAY=1SU;COUNT=2",
        start=datetime(2026, 2, 15, 4),  # noqa: DTZ001 - wall time
        duration=2 * HOUR,
        zone=BERLIN,
    )
    assert nights(first_sundays, "2026-01-01 00:00", "2026-06-01 00:00") == [
        ("03-01 03:00", "03-01 05:00"),
        ("04-05 02:00", "04-05 04:00"),
    ]


def test_a_cron_expression_gives_the_starts() -> None:
    window = Cron(expression="0 3 * * 0", duration=HOUR, zone=BERLIN)
    assert nights(window, "2026-11-21 00:00", "2026-11-24 00:00") == [("11-22 02:00", "11-22 03:00")]


def test_what_never_comes_is_looked_for_once_a_year() -> None:
    for never in (OneOff(begins=1, duration=HOUR), Cron(expression="0 0 30 2,3 1#5", duration=HOUR, zone=BERLIN)):
        found = stretch(never, utc("2026-11-23 10:00"))
        assert not found.on


def test_windows_that_overlap_are_one() -> None:
    calendar = Calendar([weekly("10:00", 2, BERLIN), weekly("11:00", 3, BERLIN)])
    on = [hour for hour in range(24) if calendar.covers(utc(f"2026-11-23 {hour:02}:00"))]
    assert on == [9, 10, 11, 12]


def test_a_window_that_is_longer_than_its_period_is_always_on() -> None:
    calendar = Calendar([weekly("00:00", 30, BERLIN)])
    assert all(calendar.covers(at) for at in range(utc("2026-03-27 00:00"), utc("2026-04-02 00:00"), HOUR))


def test_no_windows_cover_nothing() -> None:
    assert not Calendar([]).covers(utc("2026-11-23 10:00"))


class Counted(OneOff, frozen=True, kw_only=True):
    """A window that knows how often it was asked."""

    asked: list[int]

    def next_start(self, after: int) -> int | None:
        self.asked.append(after)
        return super().next_start(after)


def test_a_window_is_only_asked_again_at_its_next_boundary() -> None:
    asked: list[int] = []
    begins = utc("2026-11-23 10:00")
    calendar = Calendar([Counted(begins=begins, duration=HOUR, asked=asked)])
    for slot in range(begins - 2 * HOUR, begins + 3 * HOUR, 1_000):
        calendar.covers(slot)
    assert len(asked) == 3


@given(
    slot=st.integers(-(10**15), 10**16),
    window=st.sampled_from(
        [
            weekly("02:30", 1, BERLIN, MONDAY),
            weekly("23:59", 30, LORD_HOWE),
            OneOff(begins=10**12, duration=HOUR),
            Cron(expression="*/7 3-5 * * *", duration=MINUTE, zone=AUCKLAND),
        ]
    ),
)
def test_a_stretch_says_the_same_of_each_of_its_moments(slot: int, window: Window) -> None:
    found = stretch(window, slot)
    assert found.since < found.until
    for at in (found.since, (found.since + found.until) // 2, found.until - 1):
        assert stretch(window, at).on is found.on
    assert isinstance(found, Stretch)
