"""Where our transport does otherwise than httpx2's own, on purpose: each test shows both, and why."""

import asyncio
from typing import Any

import h11
import pytest

from tests.face.cells import Face, Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.authority import Authority
from tests.support.http2_origin import Served, http2_origin
from tests.support.scripted import OK, Peer, hangs_up_once, scripted


@on(Wire.PLAIN)
async def test_a_connection_that_proves_stale_is_replaced_where_httpx2_gives_up(visit: Visit) -> None:
    """The server closes just as the next request comes; the request is idempotent, so it is sent once more."""

    async with scripted(hangs_up_once()) as server:
        await visit.client.get(server.url)
        if not visit.face.is_ours:
            with pytest.raises(visit.api.RemoteProtocolError):
                await visit.client.get(server.url)
            return
        response = await visit.client.get(server.url)
        assert (response.text, response.extensions["stale_retry"]) == ("hi", True)


@on(Wire.PLAIN)
async def test_what_is_not_idempotent_is_never_sent_again(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.message()

    async with scripted(script) as server:
        await visit.client.get(server.url)
        with pytest.raises(visit.api.RemoteProtocolError):
            await visit.client.post(server.url, content=b"milk")
        assert len(server.peers) == 1


@on(Wire.PLAIN)
async def test_content_of_a_wrong_length_is_an_error_of_the_faces_where_httpx2_shows_its_parsers(visit: Visit) -> None:
    request = visit.client.build_request("POST", "/echo", content=b"milk")
    request.headers["content-length"] = "9"
    expected = visit.api.LocalProtocolError if visit.face.is_ours else h11.LocalProtocolError
    with pytest.raises(expected):
        await visit.client.send(request)


@on(Wire.HTTP2)
async def test_a_window_that_stays_shut_is_a_write_timeout_where_httpx2_has_a_read_timeout(
    visit: Visit, authority: Authority
) -> None:
    async def script(stream: Served) -> None:
        await stream.peer.gone()

    async with http2_origin(script, context=authority.good(), credit=False) as origin:
        limits = {"connect": 5.0, "read": 0.1, "pool": 5.0, "write": 5.0}
        expected = visit.api.ReadTimeout
        if visit.face.is_ours:
            limits |= {"read": 5.0, "write": 0.1}
            expected = visit.api.WriteTimeout
        with pytest.raises(expected):
            await visit.client.post(origin.url, content=b"m" * 1_000_000, extensions={"timeout": limits})


@on(Wire.HTTP2)
async def test_a_limit_counts_requests_where_httpx2_counts_connections(visit: Visit) -> None:
    """One connection of HTTP/2 carries many requests; a limit on what is in flight has to count these."""
    client = visit.made(connections=1)
    limits = visit.api.Timeout(5.0, pool=0.03)
    async with client.stream("GET", "/stalled"):
        if visit.face.is_ours:
            with pytest.raises(visit.api.PoolTimeout):
                await client.get("/echo", timeout=limits)
        else:
            assert heard(await client.get("/echo", timeout=limits)).method == "GET"


@everywhere(lambda cell: cell.wire is Wire.HTTP2 and cell.face is not Face.LEGACY)
async def test_fields_that_cannot_be_sent_never_reach_a_server(visit: Visit) -> None:
    """httpx2 sends them over HTTP/2, and the server ends the connection that others use, too."""
    await visit.client.get("/echo")
    other = asyncio.create_task(_read(visit, "/echo"))
    expected = visit.api.LocalProtocolError if visit.face.is_ours else visit.api.RemoteProtocolError
    with pytest.raises(expected):
        await visit.client.get("/echo", headers={"X-Milk": "two\r\nlines"})
    await asyncio.gather(other, return_exceptions=True)
    if visit.face.is_ours:
        assert visit.engine.stats()["opened_total"] == 1


@on(Wire.PLAIN, Wire.HTTP2)
async def test_the_trace_of_a_connection_tells_no_stream_where_httpx2_hands_out_its_own(visit: Visit) -> None:
    """A connection belongs to nobody while it opens; of a response it is told by the response's network stream."""
    told: dict[str, Any] = {}

    async def listen(name: str, info: dict[str, Any]) -> None:
        told[name] = info.get("return_value")

    response = await visit.client.get("/echo", extensions={"trace": listen})
    assert (told["connection.connect_tcp.complete"] is None) is visit.face.is_ours
    network = response.extensions["network_stream"]
    assert tuple(network.get_extra_info("server_addr")) == ("127.0.0.1", visit.port)


async def _read(visit: Visit, path: str) -> Any:
    return await visit.client.get(path)
