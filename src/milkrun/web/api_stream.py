"""/api/v1/stream: results and changes of state as they are committed, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from milkrun.core.result_json import result_json
from milkrun.monitor.live import Committed
from milkrun.web import wire
from milkrun.web.asking import PROBLEMS
from milkrun.web.board import Board, Watcher
from milkrun.web.entry import Entry
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.sse import BEAT, BEAT_EVERY, RETRY, Stream, message

router = APIRouter(prefix="/api/v1", tags=["interface"])

Wanted = Callable[[int], Entry | None]


@router.get(
    "/stream",
    summary="Results and changes as they come",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events, until the server stops."},
        **PROBLEMS,
    },
)
async def stream(
    site: SiteDep,
    _: PrincipalDep,
    group: Annotated[str | None, Query(max_length=200, description="Only this group's.")] = None,
    endpoint: Annotated[str | None, Query(max_length=500, description="Only this endpoint's, by key.")] = None,
) -> Stream:
    """Server-sent events: `result` (one result), `state` (one change), `lost` (how many events were missed).

    The stream begins now: a Last-Event-ID is accepted, and what it missed is in `/results`. A comment comes every
    15 seconds when there is nothing else, and the stream ends when the server stops.
    """
    if endpoint is not None:
        site.entry(endpoint)
    return Stream(site, _events(site, group, endpoint))


async def _events(site: Site, group: str | None, endpoint: str | None) -> AsyncIterator[bytes]:
    wanted = _filter(site.board, group, endpoint)
    with site.board.watch() as watcher:
        yield RETRY
        while await _something(site, watcher):
            events, lost = watcher.take()
            parts = [message(str(lost), event="lost")] if lost else []
            for event in events:
                parts.extend(messages(event, wanted, site.board.sequence))
            yield b"".join(parts) or BEAT


async def _something(site: Site, watcher: Watcher) -> bool:
    """Wait for an event or the time of a beat; False when the server stops."""
    woken = asyncio.ensure_future(watcher.woken.wait())
    stopped = asyncio.ensure_future(site.stopping.wait())
    try:
        await asyncio.wait((woken, stopped), timeout=BEAT_EVERY, return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()
        stopped.cancel()
    return not site.stopping.is_set()


def _filter(board: Board, group: str | None, endpoint: str | None) -> Wanted:
    def wanted(id_: int) -> Entry | None:
        entry = board.entries.get(id_)
        if entry is None or (group is not None and entry.endpoint.group != group):
            return None
        return entry if endpoint is None or entry.endpoint.key == endpoint else None

    return wanted


def messages(event: Committed, wanted: Wanted, number: int) -> list[bytes]:
    """What one committed event says to one stream; `number` is the event's, for Last-Event-ID."""
    said = []
    for result in event.results:
        if entry := wanted(result.endpoint):
            body = orjson.dumps(result_json(entry.endpoint, result)).decode()
            said.append(message(body, event="result", number=number))
    for change in event.changes:
        if entry := wanted(change.endpoint):
            body = orjson.dumps(wire.change_object(entry.endpoint, change)).decode()
            said.append(message(body, event="state", number=number))
    return said
