"""Load shedding for a whole application, as plain ASGI middleware: what cannot be served in time is told so at once."""

import json
import math
from collections.abc import Iterable, Iterator

from milkrun.client.asgi.protocol import Application, Receive, Scope, Send, path_below, say
from milkrun.client.errors import UsageError
from milkrun.client.upstreams.errors import Overloaded
from milkrun.client.upstreams.shedding import LoadShedder


class SheddingMiddleware:
    """Answers 503 with Retry-After (RFC 9110, 15.6.4) and a problem document (RFC 9457) instead of being late.

    `app.add_middleware(SheddingMiddleware, shedder=LoadShedder(limit=200, queue=100), exclude=["/health"])`

    A request holds its place until the application is done with it, background tasks included. WebSockets are not
    limited, for they would hold theirs for hours; nor is the lifespan.

    Args:
        app: the application.
        shedder: who is admitted.
        exclude: paths, with everything below them, that are always served: health checks and metrics, so that nobody
            restarts a process because it is busy. As the application's routes have them, without a root path.
    """

    def __init__(self, app: Application, *, shedder: LoadShedder, exclude: Iterable[str] = ()) -> None:
        self._app = app
        self._shedder = shedder
        self._exact = frozenset(_checked(exclude))
        self._below = tuple(f"{path}/" for path in self._exact)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or self._is_excluded(path_below(scope)):
            await self._app(scope, receive, send)
            return
        try:
            await self._shedder.enter()
        except Overloaded as err:
            await _refuse(scope, send, err)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._shedder.leave()

    def _is_excluded(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._below)


def _checked(paths: Iterable[str]) -> Iterator[str]:
    if isinstance(paths, str):
        raise UsageError(f"exclude={paths!r}: expected paths: [{paths!r}]")
    for path in paths:
        if not path.startswith("/"):
            raise UsageError(f"exclude: {path!r}: expected a path, /health")
        if not path.strip("/"):
            raise UsageError(f"exclude: {path!r} and everything below it is all there is; name what is always served")
        yield path.rstrip("/")


async def _refuse(scope: Scope, send: Send, error: Overloaded) -> None:
    wait = math.ceil(error.retry_after)
    problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": str(error)}
    text = json.dumps(problem | {"retry_after": wait})
    await say(scope, send, 503, "application/problem+json", text, retry_after=str(wait))
