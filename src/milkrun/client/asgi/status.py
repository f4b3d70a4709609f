"""A small ASGI application to mount: are the clients well, and what are their figures."""

import json
import os
from collections.abc import Callable, Mapping

import msgspec

from milkrun.client.asgi.clients import Clients, Stage
from milkrun.client.asgi.exposition import CONTENT_TYPE, exposition
from milkrun.client.asgi.finding import clients_in
from milkrun.client.asgi.protocol import Application, Receive, Scope, Send, path_below, say

_METHODS = ("GET", "HEAD")


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is said to a request."""

    text: str
    status: int = 200
    content_type: str = "application/json"
    allow: str | None = None


def status_app() -> Application:
    """A plain ASGI application to be mounted, which shows how the clients are, and no URL of theirs.

    `app.mount("/clients", status_app())`

    GET /health: 200 while the clients are open, 503 once the application shuts down, and where there are none.
    GET /stats: `Client.stats()` of each client by name, as JSON.
    GET /metrics: the same in Prometheus' text format: `milkrun_client_…{client="default",pid="…"}`.

    All are of the process that answers, one of the server's workers.
    """

    async def status(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        elif scope["type"] == "http":
            answer = answered(scope["method"], path_below(scope), clients_in(scope))
            allow = {} if answer.allow is None else {"allow": answer.allow}
            await say(scope, send, answer.status, answer.content_type, answer.text, **allow)
        else:
            raise RuntimeError("status_app has no lifespan; mount it on an application that has client_lifespan")

    return status


def answered(method: str, path: str, clients: Clients | None) -> Answer:
    """What is said; `path` is that below the mount."""
    page = _PAGES.get(path)
    if page is None:
        return _json({"error": "not found", "paths": list(_PAGES)}, status=404)
    if method not in _METHODS:
        allow = ", ".join(_METHODS)
        return msgspec.structs.replace(_json({"error": f"only {allow}"}, status=405), allow=allow)
    return page(clients)


def _health(clients: Clients | None) -> Answer:
    if clients is None:
        return _json({"status": "none", "pid": os.getpid(), "clients": []}, status=503)
    status = 200 if clients.stage is Stage.OPEN else 503
    return _json({"status": clients.stage, "pid": os.getpid(), "clients": clients.names}, status=status)


def _stats(clients: Clients | None) -> Answer:
    return _json({} if clients is None else clients.stats())


def _metrics(clients: Clients | None) -> Answer:
    text = exposition({} if clients is None else clients.stats(), os.getpid())
    return Answer(text=text, content_type=CONTENT_TYPE)


_PAGES: dict[str, Callable[[Clients | None], Answer]] = {"/health": _health, "/stats": _stats, "/metrics": _metrics}


def _json(value: Mapping[str, object], *, status: int = 200) -> Answer:
    return Answer(text=json.dumps(value), status=status)
