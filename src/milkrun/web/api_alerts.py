"""Alerts in the JSON interface: how every channel does, and its last attempts."""

from fastapi import APIRouter
from starlette.responses import Response

from milkrun.store.outbox_protocol import Attempt
from milkrun.web.alerts import channel_cards
from milkrun.web.alerts_view import ChannelCard
from milkrun.web.api import answer
from milkrun.web.asking import PROBLEMS
from milkrun.web.site import PrincipalDep, SiteDep
from milkrun.web.wire import Json, instant

router = APIRouter(prefix="/api/v1", tags=["interface"], responses=PROBLEMS)


@router.get("/alerts", summary="Channels, and whether what they were given arrived")
async def alerts(site: SiteDep, _: PrincipalDep) -> Response:
    """Each channel with what waits, what was given up, why it is disabled if it is, and its last attempts."""
    return answer({"items": [channel_object(card) for card in await channel_cards(site)]})


def channel_object(card: ChannelCard) -> Json:
    """One channel; `kind` is None for one that is no longer configured."""
    return {
        "channel": card.name,
        "kind": card.kind or None,
        "state": card.word,
        "disabled": card.state.disabled,
        "pending": card.state.pending,
        "failed": card.state.failed,
        "attempts_total": {"arrived": card.state.arrived, "refused": card.state.refused},
        "routes": list(card.routes),
        "attempts": [_attempt(one) for one in card.attempts],
    }


def _attempt(attempt: Attempt) -> Json:
    return {
        "at": instant(attempt.at),
        "took_ms": round(attempt.took * 1_000, 1),
        "messages": attempt.messages,
        "error": attempt.error,
    }
