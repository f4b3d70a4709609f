"""The FastAPI app: routes, the gate before them, errors as sentences, and the board's task as its lifespan."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from milkrun.store.protocol import StoreError
from milkrun.web import (
    ack,
    alerts,
    api,
    api_alerts,
    api_history,
    api_incidents,
    api_stream,
    health,
    incidents,
    live,
    metrics,
    pages,
)
from milkrun.web.asking import sentence
from milkrun.web.exposure import answered_names
from milkrun.web.gate import OPEN_FOLDERS, Gate
from milkrun.web.principal import Guard
from milkrun.web.services import Services
from milkrun.web.site import Site, UnknownError
from milkrun.web.templates import page, trouble_page

STATIC = Path(__file__).parent / "static"

PARTS = (pages, incidents, alerts, ack, live, api, api_history, api_incidents, api_alerts, api_stream, metrics, health)

# What whoever has no password is told instead: errors of the store name files and hosts.
TO_STRANGERS = {503: "Milkrun cannot read what it knows just now. Try again in a minute."}

DESCRIPTION = """\
Milkrun visits endpoints on time over one warm client. This interface is what its pages show, for programs.

Times are UTC with milliseconds, durations and latencies milliseconds, shares 0 to 1. A `key` is the group and the
name in lower case, joined by `_`, with separators as `-`. Errors are `{"detail": "a sentence"}`.
"""


def create_app(services: Services) -> FastAPI:
    """Put the app together around the services; its lifespan follows the live hub."""
    site = Site(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(site.board.follow(), name="board")
            watching = tasks.create_task(site.watch_notices(), name="notices")
            yield
            site.stopping.set()
            following.cancel()
            watching.cancel()

    app = FastAPI(
        title="Milkrun",
        version=services.version,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.site = site
    for module in PARTS:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _handle_errors(app)
    web = services.settings.web
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=4)
    app.add_middleware(Gate, names=answered_names(web), guard=Guard(web.basic))
    return app


def _handle_errors(app: FastAPI) -> None:
    """Every error is a status and a sentence: JSON for programs, a page for people."""

    @app.exception_handler(UnknownError)
    async def unknown(request: Request, error: UnknownError) -> Response:
        return _trouble(request, 404, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _trouble(request, 422, sentence(error))

    @app.exception_handler(StoreError)
    async def unreadable(request: Request, error: StoreError) -> Response:
        return _trouble(request, 503, f"The history cannot be read just now: {error}")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        said = f"There is no page at {request.url.path}." if error.status_code == 404 else str(error.detail)
        answer = _trouble(request, error.status_code, said)
        answer.headers.update(error.headers or {})  # 405 names the methods there are
        return answer


def _trouble(request: Request, status: int, said: str) -> Response:
    path = request.url.path
    if path.startswith(OPEN_FOLDERS):
        return page(request.app.state.site, "ack_refused.html", status, said=TO_STRANGERS.get(status, said))
    if path.startswith(("/api/", "/metrics", "/live/")) or path in ("/healthz", "/readyz"):
        return JSONResponse({"detail": said}, status_code=status)
    return trouble_page(request.app.state.site, status, said)
