"""Maintenance windows: an endpoint's own, and those of the section `maintenance`, for all or for some.

The weekly form is Gatus's; a window is told by the key that only its form has: `from`, `cron`, `rrule`, or none.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from milkrun.config.gatus import NOT_BUILT_KEYS
from milkrun.config.globs import read_globs
from milkrun.config.section import Section
from milkrun.config.wall_times import read_days, read_time, read_zone
from milkrun.core.endpoint import Endpoint
from milkrun.core.glob import Glob
from milkrun.core.maintenance import DAY_MS, Cron, OneOff, Recurring, Weekly, Window, recurrence

MAINTENANCE = "maintenance"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Rarer than hourly: what a rule comes to is kept, and an hourly one of years ago would be long.
_RULE = re.compile(
    r"(?!.*INTERVAL=(?:-|0+\b))"  # of such a one there is no end of looking for the next
    r"(?:RRULE:)?(?:[A-Z]+=[^;\s]+;)*FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)(?:;[A-Z]+=[^;\s]+)*",
    re.ASCII,
)
_A_RULE = "an RRULE (RFC 5545) with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY, such as FREQ=MONTHLY;BYDAY=1SU"
_A_MOMENT = "a date and time such as 2026-12-24T22:00"
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.ASCII)
# What lasts longer is no maintenance; and days so far away have no date (ms).
_LONGEST = 366 * DAY_MS


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a window is for: everybody, unless it names groups (globs) or endpoints (keys)."""

    groups: tuple[Glob, ...]
    endpoints: frozenset[str]

    def takes(self, endpoint: Endpoint) -> bool:
        """Whether it is for this endpoint."""
        if not self.groups and not self.endpoints:
            return True
        return endpoint.key in self.endpoints or any(group.matches(endpoint.group) for group in self.groups)


class MaintenanceReader:
    """Reads the section once, and knows whom its windows are for."""

    def __init__(self) -> None:
        self._windows: list[tuple[Window, Scope]] = []
        self._named: list[tuple[Section, str]] = []
        self._read = False

    def read(self, top: Section) -> None:
        """Read what stands under `maintenance` in one file: one window, as Gatus has it, or a list of them."""
        if self._read:
            top.problem(MAINTENANCE, "expected this section in one file only")
        self._read = True
        for section in top.one_or_several_sections(MAINTENANCE):
            window, scope = read_window(section), self._scope(section)
            if window is not None:
                self._windows.append((window, scope))
        top.done(NOT_BUILT_KEYS)

    def applied(self, endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
        """The endpoints by key, with the windows that are for them as well; a name that nobody has is a warning."""
        for section, key in self._named:
            if key not in endpoints:
                section.warning("endpoints", f"no endpoint has the key {key!r}")
        return {key: self._with_windows(endpoint) for key, endpoint in endpoints.items()}

    def _with_windows(self, endpoint: Endpoint) -> Endpoint:
        shared = tuple([window for window, scope in self._windows if scope.takes(endpoint)])
        return msgspec.structs.replace(endpoint, maintenance=endpoint.maintenance + shared) if shared else endpoint

    def _scope(self, section: Section) -> Scope:
        keys = [words.text for words in section.one_or_several("endpoints")]
        self._named += [(section, key) for key in keys]
        for key in ("groups", "endpoints"):
            if key in section and not section.one_or_several(key):  # an empty list of some would be everybody
                section.problem(key, "expected at least one, or not this key")
        groups = tuple([Glob(pattern) for pattern in read_globs(section, "groups")])
        return Scope(groups=groups, endpoints=frozenset(keys))


def read_windows(sections: Iterable[Section]) -> tuple[Window, ...]:
    """The windows that can be read and are enabled; what is wrong with the others has been reported."""
    return tuple([window for window in map(read_window, sections) if window is not None])


def read_window(section: Section) -> Window | None:
    """One window; None where it is disabled, or wrong."""
    if not section.flag("enabled", default=True):
        section.take()  # as Gatus does, which reads no more of it either
        return None
    zone = read_zone(section)
    if "from" in section or "until" in section:
        return _one_off(section, zone)
    if "cron" in section:
        return _cron(section, zone)
    if "rrule" in section:
        return _recurring(section, zone)
    return _weekly(section, zone)


def _one_off(section: Section, zone: ZoneInfo) -> Window | None:
    begins, ends = _moment(section, "from"), _moment(section, "until")
    if begins is None or ends is None:
        return None
    first, last = _epoch_ms(begins, zone), _epoch_ms(ends, zone)
    if first >= last:
        section.problem("until", "expected a time after from")
        return None
    return OneOff(begins=first, duration=last - first)


def _weekly(section: Section, zone: ZoneInfo) -> Window | None:
    start, duration, days = read_time(section, "start"), _duration(section), read_days(section, "every")
    if start is None:
        if "start" not in section:
            section.problem("start", 'expected a time of day such as "23:00"; or from and until, cron, or rrule')
        return None
    return Weekly(start=start, duration=duration, zone=zone, days=days) if days else None


def _cron(section: Section, zone: ZoneInfo) -> Window | None:
    expression = section.parsed("cron", None, _parsed_cron, 'a cron expression of five fields such as "0 3 * * 0"')
    duration = _duration(section)
    return None if expression is None else Cron(expression=expression, duration=duration, zone=zone)


def _parsed_cron(text: str) -> str | None:
    try:
        CronSim(text, _EPOCH)
    except CronSimError:
        return None
    return text


def _recurring(section: Section, zone: ZoneInfo) -> Window | None:
    words, start, duration = section.words("rrule"), _moment(section, "start"), _duration(section)
    if words is None or start is None:
        return None
    if start.tzinfo is not None:
        section.problem("start", "expected a wall time: the window's time zone is its timezone")
        return None
    rule = _UNTIL.sub(lambda found: f"UNTIL={_wall_of(found[1], zone)}", words.text)
    problem = _problem_of(rule, start)
    if problem:
        section.problem_at(words, problem)
        return None
    return Recurring(rule=rule, start=start, duration=duration, zone=zone)


def _wall_of(until: str, zone: ZoneInfo) -> str:
    """The end of a rule, which is UTC where its start has a time zone (RFC 5545, 3.3.10), as a wall time."""
    return f"{datetime.strptime(until + '+0000', '%Y%m%dT%H%M%S%z').astimezone(zone):%Y%m%dT%H%M%S}"


def _problem_of(rule: str, start: datetime) -> str | None:
    """What is wrong with a rule. One that never comes would be looked for until the year 9999 by a check."""
    try:
        readable = _RULE.fullmatch(rule) is not None and recurrence(rule, start) is not None
    except ValueError:
        readable = False
    if not readable:
        return f"expected {_A_RULE}"
    return None if next(iter(recurrence(rule, start)), None) else "expected a rule that ever comes"


def _duration(section: Section) -> int:
    if "duration" not in section:
        section.problem("duration", "expected a duration such as 1h")
    duration = section.milliseconds("duration", 1_000.0, least=1_000.0)
    if duration > _LONGEST:
        section.problem("duration", "expected a duration of at most 366d")
    return int(duration)


def _moment(section: Section, key: str) -> datetime | None:
    if key not in section:
        section.problem(key, f"expected {_A_MOMENT}")
    return section.parsed(key, None, _parsed_moment, _A_MOMENT)


def _parsed_moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _epoch_ms(moment: datetime, zone: ZoneInfo) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return round(aware.timestamp() * 1_000)
