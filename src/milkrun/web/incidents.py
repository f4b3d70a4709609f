"""The pages of incidents: what is open on top, what is over in pages, and one incident's whole case."""

from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from milkrun.core.incident import Incident, Kind
from milkrun.store.protocol import Page
from milkrun.web import cases, incident_list, incident_view
from milkrun.web import rows as result_rows
from milkrun.web.incident_list import IncidentRow
from milkrun.web.same_origin import OwnOrigin
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.templates import page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

OPEN = 200  # open incidents on a page
OVER = 50  # those that are over
EXPLAINS = 20  # names of others that an open outage explains, on its page

Show = Literal["all", "open", "outages", "warnings"]

KINDS: dict[Show, frozenset[Kind]] = {
    "all": frozenset(Kind),
    "open": frozenset(Kind),
    "outages": incident_list.OUTAGES,
    "warnings": incident_list.WARNINGS,
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of incidents was asked for; `endpoint` is a key, None for all."""

    show: Show
    endpoint: str | None
    number: int

    def link(self, **changes: object) -> str:
        """The address with something changed."""
        now = {"show": self.show if self.show != "all" else None, "endpoint": self.endpoint, **changes}
        values = {name: value for name, value in now.items() if value not in (None, "all", 1)}
        return "/incidents?" + urlencode(values) if values else "/incidents"


@router.get("/incidents")
async def incidents(
    site: SiteDep,
    _: PrincipalDep,
    show: Annotated[Show, Query()] = "all",
    endpoint: Annotated[str | None, Query(max_length=500)] = None,
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> Response:
    """Everything that was not well: open outages with what they explain, open warnings, then what is over."""
    asked = Asked(show=show, endpoint=endpoint, number=number)
    only = site.entry(endpoint).id if endpoint else None
    outages = await _open(site, asked, only, KINDS[show] & incident_list.OUTAGES)
    warnings = await _open(site, asked, only, KINDS[show] & incident_list.WARNINGS)
    over = await _over(site, asked, only)
    find = site.board.entries.get
    return page(
        site,
        "incidents.html",
        asked=asked,
        outages=incident_list.folded(incident_list.rows(outages, find)),
        outage_total=outages.total,
        warnings=incident_list.rows(warnings, find),
        warning_total=warnings.total,
        over=incident_list.rows(over, find),
        pages=_pages(asked, outages, warnings, over),
        most=OPEN,
    )


async def _open(site: Site, asked: Asked, only: int | None, kinds: frozenset[Kind]) -> Page:
    """What is open of these kinds. Only its own view goes on beyond the first page."""
    if not kinds:
        return Page(items=(), total=0)
    first = (asked.number - 1) * OPEN if asked.show == "open" else 0
    return await site.services.store.incidents(endpoint=only, open_only=True, kinds=kinds, limit=OPEN, offset=first)


async def _over(site: Site, asked: Asked, only: int | None) -> Page:
    if asked.show == "open":
        return Page(items=(), total=0)
    return await site.services.store.incidents(
        endpoint=only, closed_only=True, kinds=KINDS[asked.show], limit=OVER, offset=(asked.number - 1) * OVER
    )


def _pages(asked: Asked, outages: Page, warnings: Page, over: Page) -> int:
    total, size = (max(outages.total, warnings.total), OPEN) if asked.show == "open" else (over.total, OVER)
    return max(1, -(-total // size))


@router.get("/incidents/{key}")
async def incident(site: SiteDep, _: PrincipalDep, key: str) -> Response:
    """One incident: the sentence, what happened when, what may be done, and the evidence."""
    case = await cases.find(site, key)
    row = cases.row(site, case)
    return page(
        site,
        "incident.html",
        row=row,
        incident=case.incident,
        exhibit=case.exhibit,
        headline=incident_view.headline(row, site.board.clock.wall()),
        blame=incident_view.blame(case.incident),
        timeline=incident_view.timeline(case),
        explains=_explained(site, case.incident),
        explains_most=EXPLAINS,
        entry=site.board.entries.get(case.incident.endpoint),
        mark=incident_view.mark,
        rows=result_rows,
        note_most=cases.NOTE,
    )


def _explained(site: Site, incident: Incident) -> list[IncidentRow]:
    """The open outages that an open one explains, as the board has them."""
    if incident.closed is not None:
        return []
    states = (entry.state.incident for entry in site.board.entries.values())
    under = [one for one in states if one is not None and one.parent == incident.endpoint]
    return [incident_list.incident_row(one, site.board.entries.get) for one in under]


@router.post("/incidents/{key}/acknowledge")
async def acknowledge(site: SiteDep, principal: PrincipalDep, _: OwnOrigin, key: str) -> Response:
    """Say that one is on it, then show the incident again."""
    await cases.acknowledge(site, key, principal)
    return _back(key)


@router.post("/incidents/{key}/notes")
async def note(site: SiteDep, principal: PrincipalDep, _: OwnOrigin, key: str, request: Request) -> Response:
    """Add a note, then show the incident again."""
    fields = await cases.form(request)
    await cases.note(site, key, principal, fields.get("text", ""))
    return _back(key)


def _back(key: str) -> Response:
    return RedirectResponse(f"/incidents/{cases.read_key(key)}", status_code=303)
