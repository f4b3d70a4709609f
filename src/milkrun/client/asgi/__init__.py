"""One shared client in an application: made at its start, handed to its handlers, drained and closed at its end.

    app = FastAPI(lifespan=client_lifespan())

    @app.get("/price")
    async def price(client: SharedClient) -> float: ...

`client_lifespan`, `client_of`, `status_app` and `SheddingMiddleware` need no more than the client does, and serve plain
Starlette as well. The dependencies need FastAPI (the extra `milkrun[fastapi]`), those of httpx2 clients
`milkrun[httpx]` besides; each is imported when it is asked for, so that whoever has no FastAPI can use the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from milkrun.client.asgi.finding import client_of
from milkrun.client.asgi.lifespan import client_lifespan
from milkrun.client.asgi.shedding import SheddingMiddleware
from milkrun.client.asgi.status import status_app

if TYPE_CHECKING:
    from milkrun.client.asgi.face import httpx_of
    from milkrun.client.asgi.face_injection import SharedHttpx, named_httpx, shared_httpx
    from milkrun.client.asgi.injection import SharedClient, named_client, shared_client

__all__ = [
    "SharedClient",
    "SharedHttpx",
    "SheddingMiddleware",
    "client_lifespan",
    "client_of",
    "httpx_of",
    "named_client",
    "named_httpx",
    "shared_client",
    "shared_httpx",
    "status_app",
]

_INJECTION = "milkrun.client.asgi.injection"
_FACE_INJECTION = "milkrun.client.asgi.face_injection"
_ELSEWHERE = {
    "SharedClient": _INJECTION,
    "named_client": _INJECTION,
    "shared_client": _INJECTION,
    "SharedHttpx": _FACE_INJECTION,
    "httpx_of": "milkrun.client.asgi.face",
    "named_httpx": _FACE_INJECTION,
    "shared_httpx": _FACE_INJECTION,
}
_EXTRAS = {"fastapi": "FastAPI: pip install 'milkrun[fastapi]'", "httpx2": "httpx2: pip install 'milkrun[httpx]'"}


def __getattr__(name: str) -> object:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_ELSEWHERE[name]), name)
    except ModuleNotFoundError as err:
        if err.name not in _EXTRAS:
            raise
        raise ImportError(f"{name} of milkrun.client.asgi needs {_EXTRAS[err.name]}") from err
