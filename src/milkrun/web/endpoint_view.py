"""What the page of one endpoint says: its headline, its days, its results, its certificate. Pure."""

from collections.abc import Iterable

import msgspec

from milkrun.core.observation import Tls
from milkrun.core.outcome import Outcome
from milkrun.core.slo import Counts
from milkrun.web import rows, words
from milkrun.web.entry import Entry
from milkrun.web.history_view import DAY_MS, Sum

DAYS = 90
HOURS = 24


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of the 90-day bar. `uptime` None: nothing is known of it. `level` picks its colour."""

    began: int
    uptime: float | None
    level: str
    text: str


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The sentence on top: the verdict, why if it is not up, and the facts behind it."""

    verdict: str
    reason: str
    detail: str
    facts: tuple[str, ...]


def headline(entry: Entry, now: float) -> Headline:
    """State and how long ("Up for 12 days"), then median, cold path and certificate; `now` is epoch seconds."""
    state = entry.state
    verdict = state.state.value.capitalize()
    if state.since is not None:
        verdict += f" for {words.duration(now - state.since / 1_000)}"
    median, _ = entry.percentiles()
    facts = [f"{words.latency(median)} median"] if median is not None else []
    if (cold := entry.last_cold) is not None:
        facts.append(f"cold path proved {words.duration(now - cold.started)} ago")
    if (tls := certificate(entry)) is not None and tls.not_after is not None:
        facts.append(_certificate_fact("certificate", tls.not_after - now))
        if tls.chain_not_after is not None and tls.chain_not_after < tls.not_after:
            facts.append(_certificate_fact("its chain", tls.chain_not_after - now))
    last = entry.last
    detail = last.failure.message if last is not None and last.failure is not None else ""
    return Headline(verdict=verdict, reason=rows.why(entry), detail=detail, facts=tuple(facts))


def _certificate_fact(what: str, left: float) -> str:
    return f"{what} {words.duration(left)}" if left > 0 else f"{what} expired {words.duration(-left)} ago"


def certificate(entry: Entry) -> Tls | None:
    """The last TLS facts seen: those of the last result, else of the last cold one."""
    for result in (entry.last, entry.last_cold):
        if result is not None and result.tls is not None:
            return result.tls
    return None


def days(course: Iterable[tuple[int, Sum]], now: int) -> list[Day]:
    """The last 90 days (UTC), oldest first, of the days in which something was checked; `now` is epoch ms."""
    known = {start: sum_.counts for start, sum_ in course}
    today = now // DAY_MS * DAY_MS
    return [_day(start, known.get(start)) for start in range(today - (DAYS - 1) * DAY_MS, today + 1, DAY_MS)]


def _day(start: int, found: Counts | None) -> Day:
    if found is None or found.availability is None:
        return Day(began=start, uptime=None, level="none", text="nothing known")
    text = f"{words.share(found.availability)} up, {found.down:,} of {found.events:,} results down"
    return Day(began=start, uptime=found.availability, level=_level(found.availability, found), text=text)


def _level(value: float, found: Counts) -> str:
    """Red is for days with an hour's worth of downtime, amber for less, green for none."""
    if value < 1 - 1 / HOURS:
        return Outcome.DOWN.value
    return Outcome.DEGRADED.value if found.down or found.degraded else Outcome.UP.value
