"""`alerting.routes`: which incidents go to which channels, and when."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from milkrun.config.globs import read_globs
from milkrun.config.section import Section, Words
from milkrun.config.wall_times import read_days, read_time, read_zone
from milkrun.core.alert import ALL_SEVERITIES, Digest, QuietHours, Route, Step
from milkrun.core.incident import Severity

MINUTE = 60_000.0
MOST_IN_A_ROW = 1_000

_SEVERITIES = {severity.value: severity for severity in Severity}


class RouteReader:
    """Reads routes to the channels it is given; every channel that a route names is noted in `used`."""

    def __init__(self, channels: Collection[str]) -> None:
        self.used: set[str] = set()
        self._channels = channels
        self._names: set[str] = set()

    def read(self, section: Section, index: int) -> Route:
        """One item of the list."""
        default = Route(name=f"route-{index + 1}", channels=())
        return Route(
            name=self._name(section, default.name),
            channels=self._to(section),
            groups=read_globs(section, "groups"),
            tags=read_globs(section, "tags"),
            endpoints=_endpoints(section),
            severities=_severities(section, "severities") if "severities" in section else ALL_SEVERITIES,
            failure=section.number("failure-threshold", default.failure, least=1, most=MOST_IN_A_ROW),
            success=section.number("success-threshold", default.success, least=1, most=MOST_IN_A_ROW),
            delay=int(section.milliseconds("delay", default.delay)),
            wait=int(section.milliseconds("group-wait", default.wait)),
            repeat=int(section.milliseconds("repeat", default.repeat, least=MINUTE)),
            resolve=section.flag("resolve", default=default.resolve),
            quiet=_quiet(section.section("quiet-hours")) if "quiet-hours" in section else None,
            digest=_digest(section) if "digest" in section else None,
            steps=self._steps(section),
            description=section.text("description"),
        )

    def _name(self, section: Section, default: str) -> str:
        name = section.text("name", default)
        if not name.strip() or "/" in name:
            section.problem("name", "expected a name without a slash")
        elif name in self._names:
            section.problem("name", "expected a name that no other route has")
        self._names.add(name)
        return name

    def _to(self, section: Section) -> tuple[str, ...]:
        given = section.one_or_several("channels")
        if not given:
            section.problem("channels", "expected at least one channel")
        return tuple(dict.fromkeys(self._known(section, given)))

    def _known(self, section: Section, given: Iterable[Words]) -> Iterable[str]:
        for words in given:
            if words.text in self._channels:
                self.used.add(words.text)
                yield words.text
            else:
                section.problem_at(words, f"unknown channel, {nearest(words.text, self._channels)}")

    def _steps(self, section: Section) -> tuple[Step, ...]:
        steps = [self._step(item) for item in section.sections("escalate")]
        return tuple(sorted(steps, key=lambda step: step.after))

    def _step(self, section: Section) -> Step:
        if "after" not in section:
            section.problem("after", "expected a duration such as 15m")
        return Step(after=int(section.milliseconds("after", 0.0, least=1_000.0)), channels=self._to(section))


def nearest(text: str, known: Iterable[str]) -> str:
    """What may have been meant, or all that there is."""
    names = sorted(known)
    near = get_close_matches(text, names, n=1)
    return f"perhaps {near[0]!r}" if near else f"known here are {', '.join(names) or 'none'}"


def _endpoints(section: Section) -> frozenset[str] | None:
    if "endpoints" not in section:
        return None
    return frozenset(words.text for words in section.one_or_several("endpoints"))


def _severities(section: Section, key: str) -> frozenset[Severity]:
    return frozenset(_each_severity(section, section.one_or_several(key)))


def _each_severity(section: Section, given: Iterable[Words]) -> Iterable[Severity]:
    for words in given:
        if words.text in _SEVERITIES:
            yield _SEVERITIES[words.text]
        else:
            section.problem_at(words, f"expected one of {', '.join(_SEVERITIES)}")


def _quiet(section: Section) -> QuietHours | None:
    begins, ends = read_time(section, "from"), read_time(section, "to")
    zone, days, save = read_zone(section), read_days(section, "days"), _severities(section, "except")
    for key in ("from", "to"):
        if key not in section:
            section.problem(key, 'expected a time of day such as "22:00"')
    if begins is None or ends is None:
        return None
    if begins == ends:
        section.problem("to", "expected another time than from")
    return QuietHours(begins=begins, ends=ends, zone=zone, days=days, save=save)


def _digest(section: Section) -> Digest | None:
    if section.is_text("digest"):
        return Digest(every=int(section.milliseconds("digest", MINUTE, least=MINUTE)))
    daily = section.section("digest")
    at, zone = read_time(daily, "at"), read_zone(daily)
    if "at" not in daily:
        section.problem("digest", 'expected a duration such as 1h, or at: "09:00" with a timezone')
    return None if at is None else Digest(at=at, zone=zone)
