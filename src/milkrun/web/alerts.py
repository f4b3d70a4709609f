"""The page of alerts: channels, whether what they were given arrived, and what to do where it did not."""

import asyncio
from collections import ChainMap

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from milkrun.store.outbox_protocol import ChannelState
from milkrun.web import alerts_view
from milkrun.web.alerts_view import ChannelCard
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.templates import page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

ATTEMPTS = 10  # of each channel


@router.get("/alerts")
async def alerts(site: SiteDep, _: PrincipalDep) -> Response:
    """Every channel, those in trouble first, with its last attempts."""
    cards = await channel_cards(site)
    return page(site, "alerts.html", cards=cards, headline=alerts_view.headline(cards))


async def channel_cards(site: Site) -> list[ChannelCard]:
    """Every channel that is configured or was ever used, those in trouble first."""
    outbox, settings = site.services.outbox, site.services.settings.alerting
    kinds = {channel.name: channel.kind for channel in settings.channels}
    used = {state.channel: state for state in await outbox.channels()}
    names = list(dict.fromkeys([*kinds, *used]))
    attempts = await asyncio.gather(*(outbox.attempts(name, limit=ATTEMPTS) for name in names))
    states = ChainMap(used, {name: alerts_view.untried(name) for name in kinds})
    cards = [
        alerts_view.card(states[name], kinds, _routes(site, name), tried)
        for name, tried in zip(names, attempts, strict=True)
    ]
    return sorted(cards, key=_calmness)


def _routes(site: Site, channel: str) -> list[str]:
    """The routes that lead to a channel, at once or as a step."""
    return [
        route.name
        for route in site.services.settings.alerting.routes
        if channel in route.channels or any(channel in step.channels for step in route.steps)
    ]


def _calmness(card: ChannelCard) -> tuple[bool, bool, str]:
    state: ChannelState = card.state
    return state.disabled is None, card.word in ("works", "untried"), card.name
