"""Reading an endpoint's history: from roll-ups, few rows a stretch, and what is not rolled up yet from its results."""

import asyncio
from collections.abc import Iterable, Mapping

from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.web.entry import Entry
from milkrun.web.history_view import WINDOWS, Sum, summed
from milkrun.web.site import Site

FIVE = Period.FIVE_MINUTES
# Five minutes are written a minute after their end; so many of them may be missing without anything being wrong.
MISSING = 3


async def windows(site: Site, entry: Entry) -> dict[str, Sum]:
    """What the endpoint did over each window up to now, by the window's name."""
    now, store = site.now(), site.services.store
    found = await asyncio.gather(
        *(store.window(entry.id, since=now - length, until=now) for length in WINDOWS.values())
    )
    latest = await fresh(site, entry)
    return {name: summed([*rollups, *latest]) for name, rollups in zip(WINDOWS, found, strict=True)}


async def course(
    site: Site, entry: Entry, period: Period, *, since: int, until: int | None = None
) -> list[tuple[int, Sum]]:
    """Every period that starts from `since` to below `until` (epoch ms) in which something was checked, oldest first.

    The one that is open is made of shorter ones, the last minutes of results. Until now where `until` is None.
    """
    until = site.now() if until is None else min(until, site.now())
    since = period.begin(since)
    stored = await site.services.store.rollups(period, since=since, until=until, endpoint=entry.id)
    by_start: dict[int, list[Rollup]] = {}
    for rollup in stored:
        by_start.setdefault(rollup.start, []).append(rollup)
    for start, rollups in (await _open(site, entry, period)).items():
        if since <= start < until and start not in by_start:
            by_start[start] = rollups
    # A thousand periods are a tenth of a second's work: streams and other pages go on meanwhile.
    return await asyncio.to_thread(_summed, by_start)


def _summed(by_start: Mapping[int, list[Rollup]]) -> list[tuple[int, Sum]]:
    return [(start, summed(by_start[start])) for start in sorted(by_start)]


async def _open(site: Site, entry: Entry, period: Period) -> dict[int, list[Rollup]]:
    """The last two periods from shorter ones: a period's own roll-up comes a while after its end."""
    now, store = site.now(), site.services.store
    found = {}
    for start in (period.begin(now) - period.value, period.begin(now)):
        end = min(start + period.value, now)
        found[start] = await store.window(entry.id, since=start, until=end) if period is not FIVE else []
    for rollup in await fresh(site, entry):
        found.setdefault(period.begin(rollup.start), []).append(rollup)
    return {start: rollups for start, rollups in found.items() if rollups}


async def fresh(site: Site, entry: Entry) -> list[Rollup]:
    """The last five minutes that are not stored yet, counted from their results.

    Ask for it after the roll-ups that it is added to: what is stored meanwhile is then missing once, never there twice.
    """
    now, store = site.now(), site.services.store
    first = FIVE.begin(now) - (MISSING - 1) * FIVE.value
    stored = {rollup.start for rollup in await store.rollups(FIVE, since=first, endpoint=entry.id)}
    missing = [start for start in range(first, now, FIVE.value) if start not in stored]
    results = await store.stretch(entry.id, since=min(missing, default=now), until=now + 1)
    return [rollup for rollup in roll_up(FIVE, _last_attempts(results)) if rollup.start in missing]


def _last_attempts(results: Iterable[Result]) -> Iterable[Result]:
    """The results that count: of a slot's attempts at one location, the last."""
    return {(one.slot, one.location): one for one in sorted(results, key=_attempt)}.values()


def _attempt(result: Result) -> int:
    return result.attempt
