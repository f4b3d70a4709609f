"""Acknowledging by the signed link of an alert, without a password: the link itself is the permission.

It shows one line on its own incident, and nothing else of Milkrun. A GET changes nothing: mail scanners and chat
previews follow every link they see. The button's POST does.
"""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from milkrun.alerting import links
from milkrun.web import cases, incident_view
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.templates import page

router = APIRouter(prefix="/ack", include_in_schema=False, default_response_class=HTMLResponse)

GONE = "The incident of this link is no longer kept."


@router.get("/{token}")
@router.post("/{token}")
async def acknowledge(site: SiteDep, _: PrincipalDep, request: Request, token: str) -> Response:
    """Show what would be acknowledged, and a button; acknowledge it where the button was pressed."""
    try:
        grant = links.read(await site.services.outbox.secret(), token, site.now())
    except links.LinkError as err:
        return _refused(site, str(err))
    if request.method == "POST":
        by = f"whoever got the link by {grant.channel}"
        site.acts += await site.services.outbox.acknowledge(grant.incident, by=by, at=site.now())
    case = await site.services.store.case(grant.incident)
    if case is None:
        return _refused(site, GONE)
    row = cases.row(site, case)
    headline = incident_view.headline(row, site.board.clock.wall())
    return page(site, "ack.html", row=row, headline=headline, over=cases.OVER)


def _refused(site: Site, said: str) -> Response:
    return page(site, "ack_refused.html", 410, said=said)
