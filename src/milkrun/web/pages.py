"""The pages for people: all endpoints, one endpoint, incidents, the client itself. Complete without scripts."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from milkrun.core.incident import Incident
from milkrun.web import client_view, endpoint_view, rows
from milkrun.web.asking import AskedDep
from milkrun.web.heat import heat
from milkrun.web.listing import Query as Asked
from milkrun.web.listing import listing, matching
from milkrun.web.site import PrincipalDep, SiteDep
from milkrun.web.templates import page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

INCIDENTS = 50  # on a page of incidents
ITS_INCIDENTS = 5  # on the page of one endpoint
CHARTED = 360  # results in the phase chart
SHOWN = 25  # of them, as rows that open

_Page = Annotated[int, Query(ge=1, le=1_000_000)]


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
async def endpoint(site: SiteDep, _: PrincipalDep, key: str) -> Response:
    """One endpoint: the headline, the chart, the latest results, the certificate, its days and its incidents."""
    entry, store = site.entry(key), site.services.store
    now = int(site.board.clock.wall() * 1_000)
    results = await store.results(entry.id, limit=CHARTED)
    tallies = await site.tallies(entry, since=now - endpoint_view.DAYS * endpoint_view.DAY_MS)
    found = await store.incidents(endpoint=entry.id, limit=ITS_INCIDENTS)
    return page(
        site,
        "endpoint.html",
        entry=entry,
        headline=endpoint_view.headline(entry, now / 1_000),
        results=results[:SHOWN],
        most=SHOWN,
        chart=Markup(orjson.dumps(rows.chart(results)).decode()),  # noqa: S704 - numbers only
        days=endpoint_view.days(tallies, now),
        windows=endpoint_view.windows(tallies, now),
        certificate=endpoint_view.certificate(entry),
        incidents=[rows.incident_row(entry, incident) for incident in found.items],
        view=endpoint_view,
        rows=rows,
        now=now,
    )


@router.get("/incidents")
async def incidents(site: SiteDep, _: PrincipalDep, number: Annotated[int, Query(alias="page", ge=1)] = 1) -> Response:
    """Everything that was not up, newest first; what is still open stands on top."""
    store, first = site.services.store, (number - 1) * INCIDENTS
    still_open = await store.incidents(open_only=True, limit=INCIDENTS)
    found = await store.incidents(limit=INCIDENTS, offset=first)

    def shown(incident: Incident) -> rows.IncidentRow:
        return rows.incident_row(site.board.entries.get(incident.endpoint), incident)

    return page(
        site,
        "incidents.html",
        still_open=[shown(incident) for incident in still_open.items],
        open_total=still_open.total,
        closed=[shown(incident) for incident in found.items if incident.closed is not None],
        number=number,
        pages=max(1, -(-found.total // INCIDENTS)),
    )


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
