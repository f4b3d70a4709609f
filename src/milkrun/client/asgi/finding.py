"""From a request, or from the application, to its clients."""

from collections.abc import Mapping
from typing import Any

from milkrun.client.asgi.clients import KEY, Clients
from milkrun.client.client import Client
from milkrun.client.errors import UsageError

_NONE = (
    "there is no shared client: no client_lifespan is running for this application. "
    "Make it FastAPI(lifespan=client_lifespan()), or Starlette(…); in tests a lifespan runs only inside "
    "`with TestClient(app) as http:`, or for an ASGITransport inside `async with app.router.lifespan_context(app):`; "
    "at import time there is no client yet, and a server that is told `--lifespan off` never makes one"
)


def client_of(where: Any, name: str | None = None) -> Client:
    """The application's client of this name, or without one the default.

    Args:
        where: a request or WebSocket of Starlette or FastAPI, or its scope; or the application itself, in its own
            lifespan and in tasks that belong to no request.
        name: as in `client_lifespan(named=…)`.

    Raises:
        UsageError: no client has this name, or no lifespan has made any; says what to write.
    """
    return clients_of(where).get(name)


def clients_of(where: Any) -> Clients:
    """All of the application's clients: see `client_of`."""
    scope = getattr(where, "scope", where if isinstance(where, Mapping) else None)
    clients = _of_application(where) if scope is None else clients_in(scope)
    if clients is None:
        raise UsageError(_NONE)
    return clients


def clients_in(scope: Mapping[str, Any]) -> Clients | None:
    """The clients that a request's scope knows of."""
    # In its state, or with its application: who runs a lifespan without a server, as a test does, hands no state on.
    # Of a mounted application's requests the router is that of the application around it.
    found = scope.get("state", {}).get(KEY)
    if isinstance(found, Clients):
        return found
    return _of_application(scope.get("app")) or _at(scope.get("router"))


def _of_application(application: object) -> Clients | None:
    return _at(getattr(application, "router", None))


def _at(router: object) -> Clients | None:
    found = getattr(router, KEY, None)
    return found if isinstance(found, Clients) else None
