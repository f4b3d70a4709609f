"""Wall times as configuration writes them: `"22:00"`, a time zone's name, days of the week."""

import re
from collections.abc import Iterable
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from milkrun.config.section import Section, Words

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_UTC = ZoneInfo("UTC")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read_time(section: Section, key: str) -> time | None:
    """A time of day; None where it is not given, or not usable."""
    return section.parsed(key, None, _time, 'a time of day such as "22:00"')


def read_zone(section: Section, key: str = "timezone") -> ZoneInfo:
    """A time zone by its name in the IANA database, UTC if not given."""
    return section.parsed(key, _UTC, _zone, "a time zone such as Europe/Berlin")


def read_days(section: Section, key: str) -> frozenset[int]:
    """Days of the week, 0 for Monday; all of them if none is given, as Gatus has it."""
    given = section.texts(key)
    return frozenset(_days(section, given)) if given else frozenset(range(7))


def _days(section: Section, given: Iterable[Words]) -> Iterable[int]:
    for words in given:
        if words.text.lower() in DAYS:
            yield DAYS.index(words.text.lower())
        else:
            section.problem_at(words, f"expected a day of the week: {', '.join(DAYS)}")


def _time(text: str) -> time | None:
    match = _TIME.fullmatch(text)
    return time(int(match[1]), int(match[2])) if match else None


def _zone(text: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an empty name and a folder's name are told apart by nobody
        return None
