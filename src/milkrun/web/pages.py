"""The pages for people: all endpoints, one endpoint, the client itself. Complete without scripts."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from milkrun.core.incident import Kind
from milkrun.core.rollup import Period
from milkrun.web import client_view, endpoint_view, history, history_view, incident_list, objective_view, rows
from milkrun.web.asking import AskedDep
from milkrun.web.entry import Entry
from milkrun.web.heat import heat
from milkrun.web.listing import Query as Asked
from milkrun.web.listing import listing, matching
from milkrun.web.objectives import standing_of
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.templates import page, script_json

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

ITS_INCIDENTS = 5  # on the page of one endpoint
CHARTED = 360  # results in the phase chart
SHOWN = 25  # of them, as rows that open
FEW = 4  # days of history; with fewer, the chart of a day says more than that of ninety
SHADED = 200  # outages in the chart of its history

Span = Literal["24h", "7d", "30d", "90d"]


class Links:
    """Addresses of the overview with something changed; what is None or empty is left out."""

    def __init__(self, asked: Asked, view: str) -> None:
        self._now = {"q": asked.q, "group": asked.group, "state": asked.state, "view": view if view != "list" else None}

    def __call__(self, **changes: object) -> str:
        """The address."""
        values = {name: value for name, value in {**self._now, **changes}.items() if value not in (None, "")}
        return "/?" + urlencode(values) if values else "/"


@router.get("/")
async def overview(
    site: SiteDep, _: PrincipalDep, asked: AskedDep, view: Annotated[Literal["list", "map"], Query()] = "list"
) -> Response:
    """All endpoints: as a list by group, or as a heat map of one cell each."""
    links = Links(asked, view)
    if view == "map":
        drawn = heat(matching(site.board.members, asked))
        return page(site, "map.html", asked=asked, view=view, groups=drawn, links=links)
    found = listing(site.board.members, asked)
    groups = [(group, [rows.row(entry) for entry in group.entries]) for group in found.groups]
    return page(site, "overview.html", asked=asked, view=view, listing=found, groups=groups, links=links)


@router.get("/map/cell")
async def cell(site: SiteDep, _: PrincipalDep, asked: AskedDep, place: Annotated[int, Query(ge=0)]) -> Response:
    """What one cell of a group's heat map is: for the line that says so while the pointer is over it."""
    entries = [entry for found in matching(site.board.members, asked).values() for entry in found]
    if place >= len(entries):
        return Response(status_code=204)
    entry = entries[place]
    body = {"key": entry.endpoint.key, "name": entry.endpoint.name, "state": entry.state.state, "why": rows.why(entry)}
    return Response(orjson.dumps(body), media_type="application/json")


@router.get("/endpoints/{key}")
async def endpoint(
    site: SiteDep, _: PrincipalDep, key: str, span: Annotated[Span | None, Query(alias="range")] = None
) -> Response:
    """One endpoint: the headline, the charts, the latest results, percentiles and uptime, its incidents."""
    entry, store = site.entry(key), site.services.store
    results = await store.results(entry.id, limit=CHARTED)
    found = await store.incidents(endpoint=entry.id, limit=ITS_INCIDENTS)
    return page(
        site,
        "endpoint.html",
        entry=entry,
        headline=endpoint_view.headline(entry, site.board.clock.wall()),
        results=results[:SHOWN],
        most=SHOWN,
        chart=script_json(rows.chart(results)),
        certificate=endpoint_view.certificate(entry),
        incidents=incident_list.rows(found, site.board.entries.get),
        incident_total=found.total,
        rows=rows,
        **await _history(site, entry, span),
    )


async def _history(site: Site, entry: Entry, asked: Span | None) -> dict[str, Any]:
    """What the page shows of an endpoint's past: windows, days, and the chart of one range."""
    now = site.now()
    windows = await history.windows(site, entry)
    days = await history.course(site, entry, Period.DAY, since=now - (endpoint_view.DAYS - 1) * history_view.DAY_MS)
    span = asked or ("90d" if len(days) >= FEW else "24h")
    period, since = history_view.RANGES[span], now - history_view.WINDOWS[span]
    shown = days if period is Period.DAY else await history.course(site, entry, period, since=since)
    outages = await site.services.store.incidents(endpoint=entry.id, kinds=[Kind.OUTAGE], limit=SHADED)
    since = min(since, *(start for start, _ in shown)) if shown else since
    recent = [one for one in outages.items if one.closed is None or one.closed >= since]
    return {
        "windows": [history_view.window_row(name, sum_) for name, sum_ in windows.items()],
        "days": endpoint_view.days(days, now),
        "course": script_json({**history_view.chart(shown, recent, now), "period": period.value // 1_000}),
        "points": len(shown),
        "span": span,
        "objective": await standing_of(site, entry),
        "objective_view": objective_view,
        "ranges": {name: history_view.NAMES[name] for name in history_view.RANGES},
    }


@router.get("/client")
async def client(site: SiteDep, _: PrincipalDep) -> Response:
    """The warm client's own accounts: sockets opened against requests made."""
    return page(site, "client.html", **client_values(site))


def client_values(site: SiteDep) -> dict[str, Any]:
    """What the client's page and its stream show."""
    body = site.vitals("client")
    return {
        "client": body,
        "schedule": site.vitals("schedule"),
        "storage": site.vitals("storage"),
        "story": client_view.story(body, site.board.minutes),
        "reasons": client_view.reasons(body),
    }
