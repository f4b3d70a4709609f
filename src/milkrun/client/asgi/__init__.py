"""One shared client in an application: made at its start, handed to its handlers, drained and closed at its end.

    app = FastAPI(lifespan=client_lifespan())

    @app.get("/price")
    async def price(client: SharedClient) -> float: ...

`client_lifespan`, `client_of` and `status_app` need no more than the client does, and serve plain Starlette as well.
The dependencies need FastAPI (the extra `milkrun[fastapi]`), those of httpx2 clients `milkrun[httpx]` besides; each is
imported when it is asked for, so that whoever has no FastAPI can use the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from milkrun.client.asgi.finding import client_of
from milkrun.client.asgi.lifespan import client_lifespan
from milkrun.client.asgi.status import status_app

if TYPE_CHECKING:
    from milkrun.client.asgi.injection import SharedClient, named_client, shared_client

__all__ = ["SharedClient", "client_lifespan", "client_of", "named_client", "shared_client", "status_app"]

_ELSEWHERE = {
    "SharedClient": "milkrun.client.asgi.injection",
    "named_client": "milkrun.client.asgi.injection",
    "shared_client": "milkrun.client.asgi.injection",
}


def __getattr__(name: str) -> object:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE[name]), name)
