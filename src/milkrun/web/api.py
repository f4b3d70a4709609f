"""The JSON interface, /api/v1: what the pages show, for programs."""

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from milkrun.web import history, wire
from milkrun.web.asking import PROBLEMS, AskedDep
from milkrun.web.history_view import sum_object
from milkrun.web.listing import listing
from milkrun.web.objective_view import standing_object
from milkrun.web.objectives import standing_of
from milkrun.web.site import PrincipalDep, SiteDep
from milkrun.web.wire import Json

router = APIRouter(prefix="/api/v1", tags=["interface"], responses=PROBLEMS)


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
    """One endpoint, with what it did over an hour, a day, 7, 30 and 90 days: outcomes, uptime, percentiles.

    A share from 0 to 1, null where unknown; `uptime` repeats the windows' own.
    """
    entry = site.entry(key)
    windows, objective = await history.windows(site, entry), await standing_of(site, entry)
    return answer(
        {
            **wire.endpoint_object(entry),
            "uptime": {name: sum_.counts.availability for name, sum_ in windows.items()},
            "windows": {name: sum_object(sum_) for name, sum_ in windows.items()},
            "objective": standing_object(objective) if objective else None,
        }
    )


@router.get("/client", summary="The warm client's own accounts")
async def client(site: SiteDep, _: PrincipalDep) -> Response:
    """Connections opened, reused and closed, descriptors against budget; `time_wait` is the network namespace's."""
    return answer(site.vitals("client"))


@router.get("/schedule", summary="Slots due, done and skipped, and how late")
async def schedule(site: SiteDep, _: PrincipalDep) -> Response:
    """Every slot is accounted for: due = done + skipped + in flight."""
    return answer(site.vitals("schedule"))
