"""What handlers are given: the services, the board over them, and the signal that everything is stopping."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from milkrun.web.board import Board
from milkrun.web.entry import Entry
from milkrun.web.notices import EVERY, Notices
from milkrun.web.principal import Principal
from milkrun.web.services import Services
from milkrun.web.wire import Json


class UnknownError(LookupError):
    """There is none such; the message says what was asked for, and where to look."""


class UnknownEndpointError(UnknownError):
    """No endpoint has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f'No endpoint has the key "{key[:200]}". /api/v1/endpoints lists the keys there are.')


class Site:
    """One per app. `stopping` is set once, from the web loop; streams end on it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.board = Board(services.store, services.live)
        self.notices = Notices(services.store, services.outbox)
        self.stopping = asyncio.Event()
        self.streams = 0
        self.acts = 0  # things that people did on these pages, so that a stream notices

    def now(self) -> int:
        """The time, epoch milliseconds."""
        return int(self.board.clock.wall() * 1_000)

    async def watch_notices(self) -> None:
        """Keep up with what stands on every page, until the stop."""
        await self.notices.look()
        while not await self.pause(EVERY):
            await self.notices.look()

    def entry(self, key: str) -> Entry:
        """Find an endpoint by its key, or raise UnknownEndpointError."""
        entry = self.board.keys.get(key)
        if entry is None:
            raise UnknownEndpointError(key)
        return entry

    def key_of(self, endpoint: int) -> str | None:
        """The key of an endpoint by id; None when it is no longer configured."""
        entry = self.board.entries.get(endpoint)
        return entry.endpoint.key if entry else None

    def vitals(self, part: str) -> Json:
        """The last reading of "client", "schedule" or "storage"; empty before the first."""
        reading: Json = getattr(self.board.vitals, part) if self.board.vitals else {}
        return reading

    async def pause(self, seconds: float) -> bool:
        """Wait, but not past the stop; True when stopping."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return False
        return True


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _principal(request: Request) -> Principal:
    principal: Principal = request.scope["principal"]
    return principal


SiteDep = Annotated[Site, Depends(_site)]
PrincipalDep = Annotated[Principal, Depends(_principal)]
