"""Reading how an endpoint's objective stands: counts by window from roll-ups, and the time that was really watched."""

import asyncio

from milkrun.core.objectives import objective_of
from milkrun.core.slo import ALARM_WINDOWS, SHOWN_WINDOWS, counts, covered
from milkrun.web.entry import Entry
from milkrun.web.history import FIVE, fresh
from milkrun.web.objective_view import Standing, standing
from milkrun.web.site import Site


async def standing_of(site: Site, entry: Entry) -> Standing | None:
    """How the endpoint's objective stands now; None where nobody set a target."""
    objective = objective_of(entry.endpoint, site.services.settings.slos)
    if objective is None:
        return None
    now, store = site.now(), site.services.store
    lengths = sorted({objective.window, *ALARM_WINDOWS, *SHOWN_WINDOWS})
    found = await asyncio.gather(*(store.window(entry.id, since=now - length, until=now) for length in lengths))
    latest = await fresh(site, entry)
    by_length = {
        length: [*rollups, *(one for one in latest if one.start >= FIVE.begin(now - length))]
        for length, rollups in zip(lengths, found, strict=True)
    }
    since = min((rollup.start for rollup in by_length[objective.window]), default=now)
    gaps = [(gap.began, gap.ended) for gap in await store.gaps(since=since)]
    return standing(
        objective,
        {length: counts(rollups) for length, rollups in by_length.items()},
        covered(since, now, gaps),
    )
