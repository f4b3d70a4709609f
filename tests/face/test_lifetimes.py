"""Opening, closing, giving up: when clients, transports and responses end, and what may still be done then."""

import asyncio
import gc
from typing import Any

import httpx2
import pytest

from milkrun.client import Client, UsageError
from milkrun.client.httpx import Transport
from tests.face.cells import Wire, everywhere, leaks, on, on_ours
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import black_hole
from tests.support.turns import turns

__all__ = ["anyio_backend"]


@everywhere()
async def test_a_client_is_opened_once(visit: Visit) -> None:
    async with visit.client:
        with pytest.raises(RuntimeError, match="Cannot open a client instance more than once"):
            await visit.client.__aenter__()
    with pytest.raises(RuntimeError, match="Cannot reopen a client instance"):
        await visit.client.__aenter__()


@everywhere()
async def test_a_closed_client_sends_nothing(visit: Visit) -> None:
    async with visit.client:
        assert heard(await visit.client.get("/echo")).method == "GET"
    assert visit.client.is_closed
    with pytest.raises(RuntimeError, match="client has been closed"):
        await visit.client.get("/echo")


@everywhere()
async def test_a_client_may_be_closed_twice_and_without_having_been_opened(visit: Visit) -> None:
    assert not visit.client.is_closed
    await visit.client.aclose()
    await visit.client.aclose()
    assert visit.client.is_closed


@everywhere()
async def test_a_closed_client_holds_no_connection(visit: Visit) -> None:
    before = open_sockets()
    await visit.client.get("/echo")
    await visit.close()
    assert await settled(before)


@everywhere(lambda cell: not leaks(cell))
@pytest.mark.parametrize("path", ["/silent", "/stalled"])
async def test_a_cancelled_request_leaves_everything_in_order(visit: Visit, path: str) -> None:
    client = visit.made(connections=1)
    await client.get("/echo")
    for _ in range(3):
        asking = asyncio.create_task(client.get(path))
        await turns(30)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert heard(await client.get("/echo")).method == "GET"


@on(Wire.PLAIN)
async def test_a_request_may_be_cancelled_while_it_connects(visit: Visit) -> None:
    before = open_sockets()
    with black_hole() as port:
        asking = asyncio.create_task(visit.client.get(f"http://127.0.0.1:{port}/"))
        await turns(30)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert heard(await visit.client.get("/echo")).method == "GET"
    await visit.close()
    assert await settled(before)


@everywhere(lambda cell: cell.wire is not Wire.HTTP2 and not leaks(cell))
async def test_a_request_may_be_cancelled_while_it_waits_for_a_connection(visit: Visit) -> None:
    client = visit.made(connections=1)
    async with client.stream("GET", "/stalled"):
        asking = asyncio.create_task(client.get("/echo"))
        await turns(30)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert heard(await client.get("/echo")).method == "GET"


@everywhere(lambda cell: not leaks(cell))
async def test_a_reader_may_be_cancelled(visit: Visit) -> None:
    client = visit.made(connections=1)
    async with client.stream("GET", "/stalled") as response:
        reading = asyncio.create_task(response.aread())
        await turns(30)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert heard(await client.get("/echo")).method == "GET"


@on_ours()
async def test_closing_a_face_leaves_the_shared_client_open(visit: Visit) -> None:
    async with visit.client:
        before = heard(await visit.client.get("/echo"))
    assert at_rest(visit.engine, idle=1)
    async with visit.api.AsyncClient(transport=Transport(visit.engine), base_url=visit.door) as other:
        assert heard(await other.get("/echo")).peer == before.peer


@on_ours()
async def test_a_transports_own_client_is_closed_with_it(visit: Visit, authority: Authority) -> None:
    before = open_sockets()
    transport = Transport(ca_file=authority.ca_file)
    async with visit.api.AsyncClient(transport=transport) as client:
        assert heard(await client.get(f"{visit.door}/echo")).method == "GET"
        assert open_sockets() > before
    assert await settled(before)
    with pytest.raises(UsageError, match="closed"):
        await transport.handle_async_request(visit.api.Request("GET", f"{visit.door}/echo"))


async def test_a_transport_takes_a_client_or_options_and_not_both() -> None:
    async with Client() as client:
        with pytest.raises(UsageError, match="max_age"):
            Transport(client, max_age=60)


@on_ours()
async def test_a_response_that_nobody_closes_gives_its_connection_back(visit: Visit) -> None:
    client = visit.made(connections=1)
    request = client.build_request("GET", "/stalled")
    responses = [await client.send(request, stream=True)]
    with pytest.warns(ResourceWarning, match="unclosed"):
        _drop(responses)
    assert heard(await client.get("/echo")).method == "GET"


@on_ours()
async def test_a_face_on_a_closed_client_says_so(visit: Visit) -> None:
    await visit.engine.aclose()
    with pytest.raises(UsageError, match="closed"):
        await visit.client.get("/echo")


@on(Wire.PLAIN)
async def test_a_transport_can_do_without_a_face(visit: Visit) -> None:
    async with visit.transport() as transport:
        request = visit.api.Request("GET", f"{visit.door}/echo")
        response = await transport.handle_async_request(request)
        await response.aread()
        await response.aclose()
    assert isinstance(response, visit.api.Response)
    assert heard(response).method == "GET"


def _drop(responses: list[Any]) -> None:
    responses.clear()
    gc.collect(1)


async def test_the_transport_is_one_of_httpx2s() -> None:
    async with Client() as client:
        assert isinstance(Transport(client), httpx2.AsyncBaseTransport)
