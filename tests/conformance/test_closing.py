"""Servers that close: politely, without a word, just now, or because they died."""

import asyncio
import math

from tests.conformance.cells import Visit, everywhere
from tests.conformance.door import Manner
from tests.conformance.site import PLAIN
from tests.support.accounts import balanced

SPENT_ON_RACES = 0.2  # seconds a visit
LIMIT = 10.0


@everywhere(where=lambda cell: not cell.transport.is_shared)
async def test_a_connection_that_the_server_says_it_closes_is_not_used_again(visit: Visit) -> None:
    last = await visit.client.get(visit.url("/last"))
    assert last.body == PLAIN
    following = await visit.client.get(visit.url("/plain"))
    assert (following.body, following.connection.reused, following.stale_retry) == (PLAIN, False, False)
    assert visit.client.stats()["closed_total"] == {"not-kept": 1}


@everywhere(Manner.FLEETING)
async def test_a_server_that_closes_after_some_requests_fails_none(visit: Visit) -> None:
    count = 7
    for _ in range(count):
        assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    if not visit.cell.transport.is_shared:
        assert visit.client.stats()["opened_total"] == math.ceil(count / visit.cell.server.lifetime)
    assert balanced(visit.client)


@everywhere(Manner.IMPATIENT)
async def test_a_connection_closed_while_idle_leaves_the_pool_at_once(visit: Visit) -> None:
    for _ in range(2):
        response = await visit.client.get(visit.url("/plain"))
        assert (response.body, response.connection.reused, response.stale_retry) == (PLAIN, False, False)
        async with asyncio.timeout(LIMIT):
            while visit.client.stats()["connections"]["open"]:
                await asyncio.sleep(0.005)
    assert balanced(visit.client)


@everywhere(Manner.IMPATIENT)
async def test_no_request_fails_because_the_server_closed_just_then(visit: Visit) -> None:
    patience = visit.cell.server.patience
    for _ in range(max(2, round(SPENT_ON_RACES / patience))):
        assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
        await asyncio.sleep(patience)  # not waiting for anything: to ask in the moment of the closing
    assert balanced(visit.client)


@everywhere()
async def test_a_server_that_was_killed_and_came_back_is_asked_on_a_new_connection(visit: Visit) -> None:
    await visit.client.get(visit.url("/plain"))
    visit.running.kill()
    visit.running.start()
    response = await visit.client.get(visit.url("/plain"))
    assert (response.body, response.connection.reused) == (PLAIN, False)
    assert balanced(visit.client)
