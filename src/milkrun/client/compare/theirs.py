"""The contestants that are httpx2's, each as its users write it: `httpx2.AsyncClient()`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from milkrun.client.compare.counting import Counts
from milkrun.client.compare.ours import Ask, own_client
from milkrun.client.compare.plan import Contestant, Plan
from milkrun.client.httpx import Transport


def _made(plan: Plan) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=plan.timeout, verify=not plan.insecure, http2=plan.http2)


def _asking(client: httpx2.AsyncClient, plan: Plan) -> Ask:
    async def ask() -> int:
        return (await client.get(plan.url)).status_code

    return ask


@asynccontextmanager
async def per_request(plan: Plan, counts: Counts) -> AsyncIterator[Ask]:  # noqa: ARG001  # the loop counts for it
    """A client for each."""

    async def ask() -> int:
        async with _made(plan) as client:
            return (await client.get(plan.url)).status_code

    yield ask


@asynccontextmanager
async def shared(plan: Plan, counts: Counts) -> AsyncIterator[Ask]:  # noqa: ARG001  # the loop counts for it
    """One client for all, on its own transport."""
    async with _made(plan) as client:
        yield _asking(client, plan)


@asynccontextmanager
async def on_milkrun(plan: Plan, counts: Counts) -> AsyncIterator[Ask]:
    """One client for all, on Milkrun's transport."""
    async with (
        own_client(plan, counts) as own,
        httpx2.AsyncClient(timeout=plan.timeout, transport=Transport(own)) as client,
    ):
        yield _asking(client, plan)


SESSIONS = {
    Contestant.HTTPX2_PER_REQUEST: per_request,
    Contestant.HTTPX2_SHARED: shared,
    Contestant.HTTPX2_ON_MILKRUN: on_milkrun,
}
