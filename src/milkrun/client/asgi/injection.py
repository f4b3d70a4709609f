"""The clients as FastAPI's dependencies."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, TypeAlias

from fastapi import Depends
from fastapi.requests import HTTPConnection

from milkrun.client.asgi.finding import client_of
from milkrun.client.client import Client

Dependency: TypeAlias = Callable[[HTTPConnection], Awaitable[Client]]


async def shared_client(connection: HTTPConnection) -> Client:
    """The default client of the application, as a dependency.

    To put another one in its place: `app.dependency_overrides[shared_client] = lambda: other`.
    """
    return client_of(connection)


@cache
def named_client(name: str) -> Dependency:
    """The dependency on a client made by `client_lifespan(named=…)`: `Annotated[Client, Depends(named_client("x"))]`.

    One and the same for the same name: `app.dependency_overrides[named_client("x")] = lambda: other`.
    """

    # Asynchronous though it awaits nothing: FastAPI sends what is not to a thread.
    async def dependency(connection: HTTPConnection) -> Client:
        return client_of(connection, name)

    return dependency


SharedClient = Annotated[Client, Depends(shared_client)]
