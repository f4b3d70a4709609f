"""What HTTP/2 alone can do: many requests on one connection, and servers that say goodbye in the middle of them."""

import asyncio

from tests.conformance.cells import Transport, Visit, everywhere, over_http2
from tests.conformance.door import Manner
from tests.conformance.site import LARGE, PLAIN, TEXT, receipt
from tests.support.accounts import at_rest, balanced
from tests.support.turns import until


@over_http2()
async def test_a_hundred_requests_at_once_to_a_cold_server_share_one_connection(visit: Visit) -> None:
    responses = await asyncio.gather(*(visit.client.get(visit.url("/plain")) for _ in range(100)))
    assert {(response.status, response.version, response.body) for response in responses} == {(200, "2", PLAIN)}
    assert visit.client.stats()["opened_total"] == 1
    assert at_rest(visit.client, idle=1)


@over_http2()
async def test_more_requests_than_the_server_takes_at_once_are_all_answered(visit: Visit) -> None:
    responses = await asyncio.gather(*(visit.client.get(visit.url("/plain")) for _ in range(400)))
    assert {(response.status, response.body) for response in responses} == {(200, PLAIN)}
    assert balanced(visit.client)


@over_http2()
async def test_large_contents_and_large_bodies_pass_each_other_on_one_connection(visit: Visit) -> None:
    up = [visit.client.post(visit.url("/upload"), content=LARGE) for _ in range(2)]
    down = [visit.client.get(visit.url("/large")) for _ in range(2)]
    responses = await asyncio.gather(*up, *down)
    assert [response.body for response in responses] == [receipt(LARGE)] * 2 + [LARGE] * 2
    assert visit.client.stats()["opened_total"] == 1


@over_http2()
async def test_who_goes_away_resets_his_stream_and_nobody_elses(visit: Visit) -> None:
    await visit.client.get(visit.url("/plain"))
    leaving = [asyncio.create_task(visit.client.get(visit.url("/stalled"))) for _ in range(20)]
    staying = [asyncio.create_task(visit.client.get(visit.url("/pieces"))) for _ in range(20)]
    assert await until(lambda: visit.client.stats()["connections"]["in_use"] == 1)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert {response.body for response in await asyncio.gather(*staying)} == {TEXT}
    assert visit.client.stats()["opened_total"] == 1


# hypercorn says that it takes every request it has heard of, and then answers none.
@everywhere(Manner.FLEETING, where=lambda cell: cell.transport.is_shared and cell.server.name != "hypercorn")
async def test_a_goodbye_in_the_middle_of_many_requests_fails_none(visit: Visit) -> None:
    responses = await asyncio.gather(*(visit.client.get(visit.url("/plain")) for _ in range(20)))
    assert {(response.status, response.body) for response in responses} == {(200, PLAIN)}
    assert balanced(visit.client)


@everywhere(where=lambda cell: cell.transport is Transport.HTTP1_TLS)
async def test_a_client_that_speaks_both_takes_what_the_server_has_to_offer(visit: Visit) -> None:
    both = visit.client
    responses = await asyncio.gather(*(both.get(visit.url("/plain"), http2=True) for _ in range(10)))
    expected = "2" if visit.cell.server.http2 else "1.1"
    assert {(response.version, response.body) for response in responses} == {(expected, PLAIN)}
    if visit.cell.server.http2:
        assert both.stats()["opened_total"] == 1
