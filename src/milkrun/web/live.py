"""The pages' streams: /live. Each names what its page shows, so that nothing is sent that is not on it."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Query

from milkrun.core.result import Result
from milkrun.web import endpoint_view, rows
from milkrun.web.asking import AskedDep
from milkrun.web.board import Watcher
from milkrun.web.entry import Entry
from milkrun.web.fragments import Fragment, LastEventId, Sent, partial, partials, resumed, ticking
from milkrun.web.heat import heat
from milkrun.web.listing import PAGE, anchor, matching
from milkrun.web.pages import client_values
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.sse import Stream, message
from milkrun.web.templates import render

router = APIRouter(prefix="/live", include_in_schema=False)

TICK = 1.0  # seconds between looks; a person reads no faster
LOOK_AGAIN = 5  # slow ticks: what workers write on an incident's timeline is nowhere on the board
SLOW_TICK = 2.0  # for what costs more to draw

_Ids = Annotated[str, Query(pattern=r"^(\d{1,18}(,\d{1,18})*)?$", max_length=20 * PAGE)]


@router.get("/rows")
async def live_rows(
    site: SiteDep, _: PrincipalDep, ids: _Ids = "", since: int = 0, last_event_id: LastEventId = ""
) -> Stream:
    """The overview: the sentence, counts, group heads, and the rows that are on the page."""
    wanted = [int(one) for one in ids.split(",") if one][:PAGE]
    sent, seen = Sent(), resumed(last_event_id, since, site.board.sequence)

    def look() -> bytes:
        nonlocal seen
        before, seen = seen, site.board.sequence
        entries = [entry for one in wanted if (entry := site.board.entries.get(one)) is not None]
        html = sent.changed([*_frame(site), *_heads(site, entries)])
        return partials(html + "".join(_row(site, entry) for entry in entries if entry.changed > before), seen)

    return Stream(site, ticking(site, TICK, look))


def _row(site: Site, entry: Entry) -> str:
    return partial(f"#row-{entry.id}", render(site, "row.html", row=rows.row(entry)))


def _frame(site: Site) -> Iterator[Fragment]:
    """What is on every page: the banner on storage, and the counts (in the title, too)."""
    yield "#banner", render(site, "banner.html")


def _heads(site: Site, entries: list[Entry]) -> Iterator[Fragment]:
    yield "#sentence", render(site, "sentence.html")
    yield "#count-all", render(site, "count.html", name="all", count=len(site.board.entries))
    for state, count in site.board.counts.items():
        yield f"#count-{state}", render(site, "count.html", name=state.value, count=count)
    for group in dict.fromkeys(entry.endpoint.group for entry in entries):
        yield f"#{anchor(group)}", render(site, "tallies.html", group=group)


@router.get("/map")
async def live_map(site: SiteDep, _: PrincipalDep, asked: AskedDep) -> Stream:
    """The heat map, a group at a time."""
    sent = Sent()

    def look() -> bytes:
        drawn = heat(matching(site.board.members, asked))
        cells = ((f"#cells-{anchor(one.name)}", render(site, "cells.html", heat=one)) for one in drawn)
        return partials(sent.changed([*_frame(site), *_heads(site, []), *cells]), site.board.sequence)

    return Stream(site, ticking(site, SLOW_TICK, look))


@router.get("/frame")
async def live_frame(site: SiteDep, _: PrincipalDep) -> Stream:
    """Only what every page has."""
    sent = Sent()
    return Stream(site, ticking(site, SLOW_TICK, lambda: partials(sent.changed(_frame(site)), site.board.sequence)))


@router.get("/incidents")
async def live_incidents(site: SiteDep, _: PrincipalDep) -> Stream:
    """Pages of incidents and alerts: `look` says that it is time to look again, at once where something changed."""
    sent, seen, looks = Sent(), (site.board.incidents, site.acts), 0

    def look() -> bytes:
        nonlocal seen, looks
        before, seen = seen, (site.board.incidents, site.acts)
        looks = 0 if before != seen else looks + 1
        again = message("", event="look") if looks % LOOK_AGAIN == 0 else b""
        return again + partials(sent.changed(_frame(site)), site.board.sequence)

    return Stream(site, ticking(site, SLOW_TICK, look))


@router.get("/client")
async def live_client(site: SiteDep, _: PrincipalDep) -> Stream:
    """The client's page, whole: it is small."""
    sent = Sent()

    def look() -> bytes:
        body = render(site, "client_body.html", **client_values(site))
        return partials(sent.changed([*_frame(site), ("#client", body)]), site.board.sequence)

    return Stream(site, ticking(site, SLOW_TICK, look))


@router.get("/endpoints/{key}")
async def live_endpoint(site: SiteDep, _: PrincipalDep, key: str) -> Stream:
    """One endpoint: its headline, new results on top of the list, and their points for the chart."""
    return Stream(site, _endpoint(site, site.entry(key)))


async def _endpoint(site: Site, entry: Entry) -> AsyncIterator[bytes]:
    sent = Sent()
    with site.board.watch() as watcher:

        def look() -> bytes:
            fresh = _fresh(watcher, entry)
            headline = endpoint_view.headline(entry, site.board.clock.wall())
            top = render(site, "headline.html", entry=entry, headline=headline)
            html = sent.changed([*_frame(site), ("#headline", top)]) + _on_top(site, fresh)
            points = orjson.dumps(rows.chart(fresh)).decode() if fresh else ""
            return (message(points, event="points") if points else b"") + partials(html, site.board.sequence)

        async for said in ticking(site, TICK, look):
            yield said


def _fresh(watcher: Watcher, entry: Entry) -> list[Result]:
    """This endpoint's results since the last look."""
    events, _ = watcher.take()
    return [result for event in events for result in event.results if result.endpoint == entry.id]


def _on_top(site: Site, fresh: list[Result]) -> str:
    """New results for the top of the list; the page itself lets go of as many at its end."""
    return "".join(
        partial("#results", render(site, "result.html", result=result, rows=rows), swap="afterbegin")
        for result in fresh
    )
