"""Applications that real servers run in worker processes of theirs: `tests.support.worker_apps:shared` and others."""

import asyncio
import os
import socket
from typing import Any

from fastapi import FastAPI

from milkrun.client import Client
from milkrun.client.asgi import SharedClient, client_lifespan, status_app

Answer = dict[str, Any]

_tasks: set[asyncio.Task[None]] = set()

shared = FastAPI(lifespan=client_lifespan())
shared.mount("/clients", status_app())


@shared.get("/ask")
async def ask(url: str, client: SharedClient, gate: int | None = None) -> Answer:
    """Ask upstream; with a gate, this whole process stands still first until somebody says something there."""
    if gate is not None:
        with socket.create_connection(("127.0.0.1", gate)) as held:
            held.recv(1)
    return await _asked(client, url)


@shared.get("/detach")
async def detach(url: str, client: SharedClient) -> None:
    """Ask upstream in a task that no request waits for."""
    task = asyncio.create_task(_asked_twice(client, url))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


_made_early = Client()
early = FastAPI(debug=True)  # tells errors in its answers: gunicorn's own worker logs none of an application's


@early.get("/ask")
async def ask_early(url: str) -> Answer:
    """Ask upstream by a client that was made when this module was imported."""
    return await _asked(_made_early, url)


handed_early = FastAPI(lifespan=client_lifespan(make=lambda: _made_early))


async def _asked(client: Client, url: str) -> Answer:
    response = await client.get(url)
    return {"pid": os.getpid(), "status": response.status, "reused": response.connection.reused}


async def _asked_twice(client: Client, url: str) -> None:
    await client.get(url)
    await client.get(url)
