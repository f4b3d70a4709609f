"""The JSON interface, /api/v1: what the pages show, for programs."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from milkrun.core.result_json import result_json
from milkrun.core.tally import HOUR, uptime
from milkrun.web import wire
from milkrun.web.asking import PROBLEMS, AskedDep
from milkrun.web.entry import DAY
from milkrun.web.listing import listing
from milkrun.web.site import PrincipalDep, SiteDep
from milkrun.web.wire import Json

router = APIRouter(prefix="/api/v1", tags=["interface"], responses=PROBLEMS)

WINDOWS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
HISTORY_HOURS = 90 * DAY


def answer(body: Json) -> Response:
    """JSON as orjson writes it: a page of results is large enough for the difference to count."""
    return Response(orjson.dumps(body), media_type="application/json")


@router.get("/endpoints", summary="Endpoints, broken ones first")
async def endpoints(site: SiteDep, _: PrincipalDep, asked: AskedDep) -> Response:
    """A page of up to 100 endpoints: each with its key, state, since when, last result and uptime."""
    found = listing(site.board.members, asked)
    items = [wire.endpoint_object(entry) for entry in found.entries()]
    return answer({"items": items, "total": found.total, "page": found.page, "pages": found.pages})


@router.get("/endpoints/{key}", summary="One endpoint")
async def endpoint(site: SiteDep, _: PrincipalDep, key: str) -> Response:
    """One endpoint, with its uptime over 24 hours, 7, 30 and 90 days (a share from 0 to 1, null where unknown)."""
    entry = site.entry(key)
    now = int(site.board.clock.wall() * 1_000)
    tallies = await site.tallies(entry, since=now - HISTORY_HOURS * HOUR)
    shares = {
        window: uptime(tally for tally in tallies if tally.hour > now - hours * HOUR)
        for window, hours in WINDOWS.items()
    }
    return answer({**wire.endpoint_object(entry), "uptime": shares})


@router.get("/endpoints/{key}/results", summary="One endpoint's results, newest first")
async def results(
    site: SiteDep,
    _: PrincipalDep,
    key: str,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(description="Only slots before this one (epoch milliseconds).")] = None,
) -> Response:
    """Raw results; to read on, ask again with `before` set to the last slot read, in epoch milliseconds."""
    entry = site.entry(key)
    found = await site.services.store.results(entry.id, limit=limit, before=before)
    return answer({"items": [result_json(entry.endpoint, result) for result in found]})


@router.get("/endpoints/{key}/history", summary="One endpoint's hours, oldest first")
async def history(
    site: SiteDep,
    _: PrincipalDep,
    key: str,
    resolution: Annotated[Literal["hour"], Query(description="How much one item covers.")] = "hour",
    hours: Annotated[int, Query(ge=1, le=HISTORY_HOURS, description="How far back.")] = 7 * DAY,
) -> Response:
    """Counts by outcome, and mean and greatest latency with warm and cold apart."""
    entry = site.entry(key)
    since = int(site.board.clock.wall() * 1_000) - hours * HOUR
    tallies = await site.tallies(entry, since=since)
    return answer({"resolution": resolution, "items": [wire.tally_object(tally) for tally in tallies]})


@router.get("/incidents", summary="Incidents, newest first")
async def incidents(
    site: SiteDep,
    _: PrincipalDep,
    endpoint: Annotated[str | None, Query(max_length=500, description="Only this endpoint's, by key.")] = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those not closed yet.")] = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Stretches of not being up, with their cause; `closed` is null while one lasts."""
    only = site.entry(endpoint).id if endpoint is not None else None
    page = await site.services.store.incidents(endpoint=only, open_only=open_only, limit=limit, offset=offset)
    items = [wire.incident_object(site.key_of(incident.endpoint), incident) for incident in page.items]
    return answer({"items": items, "total": page.total})


@router.get("/client", summary="The warm client's own accounts")
async def client(site: SiteDep, _: PrincipalDep) -> Response:
    """Connections opened, reused and closed, descriptors against budget; `time_wait` is the network namespace's."""
    return answer(site.vitals("client"))


@router.get("/schedule", summary="Slots due, done and skipped, and how late")
async def schedule(site: SiteDep, _: PrincipalDep) -> Response:
    """Every slot is accounted for: due = done + skipped + in flight."""
    return answer(site.vitals("schedule"))
