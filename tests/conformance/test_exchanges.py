"""Requests and responses of every framing, on connections that stay."""

import asyncio

import pytest

from milkrun.client import RequestError
from tests.conformance.cells import Visit, everywhere
from tests.conformance.site import LARGE, PIECE, PIECES, PLAIN, TEXT, receipt
from tests.support.accounts import at_rest, balanced
from tests.support.turns import until

MIXED = (
    ("GET", "/plain", 200, PLAIN),
    ("HEAD", "/large", 200, b""),
    ("GET", "/empty", 204, b""),
    ("GET", "/pieces", 200, TEXT),
    ("GET", "/unchanged", 304, b""),
    ("HEAD", "/plain", 200, b""),
    ("GET", "/large", 200, LARGE),
    ("GET", "/plain", 200, PLAIN),
)


@everywhere()
async def test_requests_one_after_the_other_share_a_connection(visit: Visit) -> None:
    for uses in range(5):
        response = await visit.client.get(visit.url("/plain"))
        assert (response.status, response.body, response.connection.uses) == (200, PLAIN, uses)
    assert at_rest(visit.client, idle=1)


@everywhere()
async def test_one_connection_carries_every_kind_of_response_after_every_other(visit: Visit) -> None:
    for uses, (method, path, status, body) in enumerate(MIXED):
        response = await visit.client.request(method, visit.url(path))
        assert (response.status, response.body, response.connection.uses) == (status, body, uses)
        assert response.warnings == ()
    assert visit.client.stats()["opened_total"] == 1


@everywhere()
async def test_the_answer_to_head_tells_the_length_and_nothing_else(visit: Visit) -> None:
    response = await visit.client.head(visit.url("/large"))
    assert (response.headers["content-length"], response.bytes_received) == (str(len(LARGE)), 0)


@everywhere()
async def test_a_body_of_unknown_length_is_whole(visit: Visit) -> None:
    response = await visit.client.get(visit.url("/pieces"))
    assert response.body == TEXT
    assert response.headers.get("content-length") is None


@everywhere()
async def test_a_slow_body_is_whole(visit: Visit) -> None:
    response = await visit.client.get(visit.url("/slow"))
    assert response.body == PIECE * PIECES
    assert response.timings.receive > 0
    assert at_rest(visit.client, idle=1)


@everywhere()
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_is_uploaded_arrives_whole(visit: Visit, method: str) -> None:
    for content in (LARGE, b"", b"two bottles"):
        response = await visit.client.request(method, visit.url("/upload"), content=content)
        assert (response.status, response.body) == (200, receipt(content))
    assert at_rest(visit.client, idle=1)


@everywhere()
async def test_a_connection_stays_after_a_large_upload(visit: Visit) -> None:
    for uses in range(4):
        response = await visit.client.post(visit.url("/upload"), content=LARGE[: 256 * 1024 * (1 + uses)])
        assert (response.status, response.connection.uses) == (200, uses)


@everywhere()
async def test_a_refusal_that_comes_before_the_upload_is_done_is_the_answer(visit: Visit) -> None:
    try:
        assert (await visit.client.post(visit.url("/refused"), content=LARGE * 4)).status == 413
    except RequestError:
        assert not visit.cell.server.lingers
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere()
async def test_requests_at_the_same_time_each_get_their_own_answer(visit: Visit) -> None:
    paths = [("/plain", PLAIN), ("/pieces", TEXT), ("/large", LARGE), ("/text", TEXT)] * 4
    responses = await asyncio.gather(*(visit.client.get(visit.url(path)) for path, _ in paths))
    assert [response.body for response in responses] == [body for _, body in paths]
    assert balanced(visit.client)


@everywhere()
async def test_a_body_that_nobody_needs_is_given_up_or_drained(visit: Visit) -> None:
    drained = await visit.client.get(visit.url("/text"), body="drain")
    given_up = await visit.client.get(visit.url("/large"), body="drain")
    assert (drained.status, drained.body) == (given_up.status, given_up.body) == (200, b"")
    assert given_up.connection.reused
    following = await visit.client.get(visit.url("/plain"))
    assert following.connection.reused is visit.cell.transport.is_shared  # there, the stream alone was given up


@everywhere()
async def test_a_body_over_the_cap_ends_the_request_alone(visit: Visit) -> None:
    with pytest.raises(RequestError) as caught:
        await visit.client.get(visit.url("/large"), max_body=1024 * 1024)
    assert (caught.value.layer, caught.value.kind) == ("body", "too-large")
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere()
async def test_a_request_cancelled_in_the_middle_of_the_body_ends_alone(visit: Visit) -> None:
    await visit.client.get(visit.url("/plain"))
    asking = asyncio.create_task(visit.client.get(visit.url("/stalled")))
    assert await until(lambda: visit.client.stats()["connections"]["in_use"] == 1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere(where=lambda cell: bool(cell.server.codings))
async def test_a_compressed_body_is_shorter_on_the_way(visit: Visit) -> None:
    for coding in sorted(visit.cell.server.codings):
        response = await visit.client.get(visit.url("/text"), headers={"Accept-Encoding": coding})
        assert response.headers["content-encoding"] == coding
        assert response.body == TEXT
        assert response.bytes_received < len(TEXT)


@everywhere(where=lambda cell: bool(cell.server.codings))
async def test_what_the_client_asks_for_by_itself_is_compressed(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/text")) as response:
        assert await response.read() == TEXT
        assert response.headers["content-encoding"] in visit.cell.server.codings
