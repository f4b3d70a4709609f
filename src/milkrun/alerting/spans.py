"""When and for how long, as a message says it. Pure: the time zone and the moment of reading are given."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(milliseconds: int) -> str:
    """The two largest units from hours on, else one, rounded down: "45 s", "3 min", "4 h 10 min", "2 d"."""
    seconds = max(milliseconds, 0) // 1_000
    for (size, unit), (lesser, name) in pairwise(_UNITS):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            more = rest // lesser
            return f"{whole} {unit} {more} {name}" if more and size > 60 else f"{whole} {unit}"
    return f"{seconds} s"


def moment(at: int, *, seen: int, zone: tzinfo) -> str:
    """A time of day with its zone, "10:02 UTC"; with the date where that is not the day of `seen`. Epoch ms."""
    then, now = (datetime_of(value).astimezone(zone) for value in (at, seen))
    day = "" if then.date() == now.date() else f"{then:%Y-%m-%d} "
    return f"{day}{then:%H:%M} {then.tzname()}"


def datetime_of(at: int) -> datetime:
    """Epoch ms as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=at)


def iso(at: int) -> str:
    """Epoch ms as RFC 3339 has it, "2026-11-23T10:02:00.000Z"."""
    return f"{datetime_of(at):%Y-%m-%dT%H:%M:%S}.{at % 1_000:03d}Z"
