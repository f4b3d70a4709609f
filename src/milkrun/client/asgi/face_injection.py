"""The application's clients under httpx2's interface, as FastAPI's dependencies."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, TypeAlias

import httpx2
from fastapi import Depends
from fastapi.requests import HTTPConnection

from milkrun.client.asgi.face import httpx_of

Dependency: TypeAlias = Callable[[HTTPConnection], Awaitable[httpx2.AsyncClient]]


async def shared_httpx(connection: HTTPConnection) -> httpx2.AsyncClient:
    """The default client of the application under httpx2's interface, as a dependency.

    To put another one in its place: `app.dependency_overrides[shared_httpx] = lambda: other`.
    """
    return httpx_of(connection)


@cache
def named_httpx(name: str) -> Dependency:
    """The same for a client made by `client_lifespan(named=…)`; one and the same dependency for the same name."""

    async def dependency(connection: HTTPConnection) -> httpx2.AsyncClient:
        return httpx_of(connection, name)

    return dependency


SharedHttpx = Annotated[httpx2.AsyncClient, Depends(shared_httpx)]
