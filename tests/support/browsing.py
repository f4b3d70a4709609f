"""A site to ask things of: in the test's own loop, or behind a real socket on a thread of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx2

from milkrun.clock import settle
from milkrun.web.app import create_app
from milkrun.web.server import WebServer
from milkrun.web.site import Site
from tests.support.scene import Scene

STOP_WITHIN = 5.0


@asynccontextmanager
async def browsing(scene: Scene, **options: object) -> AsyncIterator[tuple[httpx2.AsyncClient, Site]]:
    """The app in this loop, its board up to date with the scene, and a client that asks it."""
    app = create_app(scene.services)
    site: Site = app.state.site
    transport = httpx2.ASGITransport(app=app, client=("10.0.0.1", 1))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost", **options) as client,  # type: ignore[arg-type]
    ):
        await settle()
        yield client, site


@contextmanager
def served(scene: Scene) -> Iterator[WebServer]:
    """The app behind a real socket."""
    server = WebServer(scene.services)
    server.bind()
    server.start()
    try:
        yield server
    finally:
        server.stop(STOP_WITHIN)
