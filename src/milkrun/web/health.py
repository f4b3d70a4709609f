"""/healthz and /readyz: for whoever starts, stops and watches the process. Both answer without a password."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from milkrun.web.site import PrincipalDep, Site, SiteDep

router = APIRouter(tags=["process"])

STALE = 30.0  # seconds without a sign of life from the monitor, which gives one a second


@router.get("/healthz", summary="Whether the process answers")
async def healthz(_: PrincipalDep) -> PlainTextResponse:
    """Always 200: an answer is the answer."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", summary="Whether the pages have something to show")
async def readyz(site: SiteDep, _: PrincipalDep) -> PlainTextResponse:
    """200 once the monitor's snapshot is here and as long as the monitor gives signs of life, else 503."""
    trouble = _trouble(site)
    return PlainTextResponse(f"{trouble or 'ok'}\n", status_code=503 if trouble else 200)


def _trouble(site: Site) -> str | None:
    if site.stopping.is_set():
        return "stopping"
    if not site.board.ready.is_set():
        return "starting: the monitor has not said yet what it monitors"
    vitals = site.board.vitals
    if vitals is not None and site.board.clock.wall() - vitals.at > STALE:
        return "the monitor has given no sign of life for half a minute"
    return None
