"""The contestants of Milkrun's own: its client, shared as it is meant to be, and one for each request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from milkrun.client.client import Client
from milkrun.client.compare.counting import CountedLookup, Counts
from milkrun.client.compare.plan import Contestant, Plan
from milkrun.client.resolve.resolver import CachingResolver
from milkrun.client.resolve.system import SystemLookup

Ask: TypeAlias = Callable[[], Awaitable[int]]
"""One request, its answer read to the end; gives the status."""


@asynccontextmanager
async def own_client(plan: Plan, counts: Counts) -> AsyncIterator[Client]:
    """A client as anybody has it, but that it asks the system for names as httpx2 does, counted."""
    resolver = CachingResolver(CountedLookup(SystemLookup(), counts))
    try:
        async with Client(resolver=resolver, insecure=plan.insecure, http2=plan.http2) as client:
            yield client
    finally:
        await resolver.close()


@asynccontextmanager
async def shared(plan: Plan, counts: Counts) -> AsyncIterator[Ask]:
    """One client for all."""
    async with own_client(plan, counts) as client:
        prepared = client.prepare("GET", plan.url)

        async def ask() -> int:
            return (await client.send(prepared, timeout=plan.timeout)).status

        yield ask


@asynccontextmanager
async def per_request(plan: Plan, counts: Counts) -> AsyncIterator[Ask]:
    """A client for each."""

    async def ask() -> int:
        async with own_client(plan, counts) as client:
            return (await client.get(plan.url, timeout=plan.timeout)).status

    yield ask


SESSIONS = {Contestant.MILKRUN_SHARED: shared, Contestant.MILKRUN_PER_REQUEST: per_request}
