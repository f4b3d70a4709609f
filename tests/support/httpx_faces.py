"""The two packages that speak through the transport, and a client of theirs on one of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest

from milkrun.client import Client
from milkrun.client.httpx import Transport

FACES = [httpx2, httpx]


@pytest.fixture(params=FACES, ids=["httpx2", "httpx"])
def face(request: pytest.FixtureRequest) -> Any:
    """Each of them; their classes have the same names."""
    return request.param


@asynccontextmanager
async def talking(face: Any, **options: Any) -> AsyncIterator[tuple[Any, Client]]:
    """A client of the face's, and ours that carries it; closed in this order."""
    async with Client(**options) as client, face.AsyncClient(transport=Transport(client)) as http:
        yield http, client
