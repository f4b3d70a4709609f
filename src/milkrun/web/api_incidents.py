"""Incidents in the JSON interface: the list, one whole, and what a person does about it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from milkrun.core.incident import Kind
from milkrun.web import cases, wire
from milkrun.web.api import answer
from milkrun.web.asking import PROBLEMS
from milkrun.web.same_origin import OwnOrigin
from milkrun.web.site import PrincipalDep, Site, SiteDep

router = APIRouter(prefix="/api/v1/incidents", tags=["interface"], responses=PROBLEMS)


class Note(BaseModel):
    """A note for an incident's timeline."""

    text: Annotated[str, Field(max_length=cases.NOTE, description="What to add.")]


@router.get("", summary="Incidents, newest first")
async def incidents(
    site: SiteDep,
    _: PrincipalDep,
    endpoint: Annotated[str | None, Query(max_length=500, description="Only this endpoint's, by key.")] = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those not closed yet.")] = False,
    kind: Annotated[Kind | None, Query(description="Only of this kind; an outage is downtime, others are not.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Outages and warnings, with their cause; `closed` is null while one lasts, `acknowledged` names who is on it."""
    only = site.entry(endpoint).id if endpoint is not None else None
    kinds = None if kind is None else [kind]
    page = await site.services.store.incidents(
        endpoint=only, open_only=open_only, kinds=kinds, limit=limit, offset=offset
    )
    items = [wire.incident_object(one, site.key_of, page.acknowledged.get(one.key)) for one in page.items]
    return answer({"items": items, "total": page.total})


@router.get("/{key}", summary="One incident: its timeline and its evidence")
async def incident(site: SiteDep, _: PrincipalDep, key: str) -> Response:
    """The incident as in the list, `timeline` oldest first, and `exhibit`: the first failing result whole, masked."""
    return await _whole(site, key)


@router.post("/{key}/acknowledge", summary="Say that somebody is on it")
async def acknowledge(site: SiteDep, principal: PrincipalDep, _: OwnOrigin, key: str) -> Response:
    """Ends reminders and escalation; 409 where the incident is over. Gives the incident."""
    await cases.acknowledge(site, key, principal)
    return await _whole(site, key)


@router.post("/{key}/notes", summary="Add a note to the timeline")
async def note(site: SiteDep, principal: PrincipalDep, _: OwnOrigin, key: str, body: Note) -> Response:
    """Also where the incident is over. Gives the incident."""
    await cases.note(site, key, principal, body.text)
    return await _whole(site, key)


async def _whole(site: Site, key: str) -> Response:
    return answer(wire.case_object(await cases.find(site, key), site.board.entries.get))
