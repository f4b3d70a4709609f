"""History in the JSON interface: an endpoint's results, and its course by five minutes, hour or day."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from milkrun.core.result_json import result_json
from milkrun.core.rollup import Period
from milkrun.web import history
from milkrun.web.api import answer
from milkrun.web.asking import PROBLEMS
from milkrun.web.history_view import DAY_MS, HOUR_MS, stretch_object
from milkrun.web.site import PrincipalDep, SiteDep

router = APIRouter(prefix="/api/v1/endpoints/{key}", tags=["interface"], responses=PROBLEMS)

ITEMS = 3_000  # periods in one answer
RESULTS = 10_000  # results in one answer of a stretch

Instant = Annotated[
    Annotated[int, Field(ge=0, lt=10**15)] | AwareDatetime,
    Field(union_mode="left_to_right"),
    Query(description="Epoch milliseconds, or ISO 8601 with its zone."),
]


class Resolution(StrEnum):
    """How much one item of a history covers."""

    FIVE_MINUTES = "5m"
    HOUR = "hour"
    DAY = "day"


PERIODS = {
    Resolution.FIVE_MINUTES: Period.FIVE_MINUTES,
    Resolution.HOUR: Period.HOUR,
    Resolution.DAY: Period.DAY,
}
# How far back a history goes that says neither `since` nor `hours`.
USUALLY = {Resolution.FIVE_MINUTES: DAY_MS, Resolution.HOUR: 7 * DAY_MS, Resolution.DAY: 90 * DAY_MS}


def _milliseconds(at: int | datetime) -> int:
    return at if isinstance(at, int) else int(at.astimezone(UTC).timestamp() * 1_000)


@router.get("/results", summary="One endpoint's results")
async def results(
    site: SiteDep,
    _: PrincipalDep,
    key: str,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(description="Only slots before this one (epoch milliseconds).")] = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Response:
    """Raw results. Newest first, and read on by `before`; with `since`, all from there to `until`, oldest first."""
    entry, store = site.entry(key), site.services.store
    if since is None:
        found = await store.results(entry.id, limit=limit, before=before)
    else:
        begin, end = _milliseconds(since), site.now() + 1 if until is None else _milliseconds(until)
        _bounded((end - begin) // entry.endpoint.interval, RESULTS, "results")
        found = await store.stretch(entry.id, since=begin, until=end)
    return answer({"items": [result_json(entry.endpoint, result) for result in found]})


@router.get("/history", summary="One endpoint's five minutes, hours or days, oldest first")
async def course(
    site: SiteDep,
    _: PrincipalDep,
    key: str,
    resolution: Annotated[Resolution, Query(description="How much one item covers.")] = Resolution.HOUR,
    hours: Annotated[int | None, Query(ge=1, le=200_000, description="How far back, instead of `since`.")] = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Response:
    """Counts by outcome, uptime, and percentiles with warm and cold apart (off by 1% at most); the open one included.

    Maintenance and unknown count in their own numbers and not in the uptime.
    """
    entry, period = site.entry(key), PERIODS[resolution]
    back = USUALLY[resolution] if hours is None else hours * HOUR_MS
    begin = site.now() - back if since is None else _milliseconds(since)
    end = site.now() if until is None else _milliseconds(until)
    _bounded((end - begin) // period.value, ITEMS, "items")
    found = await history.course(site, entry, period, since=begin, until=end)
    return answer({"resolution": resolution, "items": [stretch_object(start, sum_) for start, sum_ in found]})


def _bounded(count: int, most: int, what: str) -> None:
    if count > most:
        raise HTTPException(422, f"That would be {count:,} {what}; ask for {most:,} at most, from since to until.")
