"""How things in the middle of an exchange show themselves."""

import asyncio

from milkrun.client import Client
from tests.support.http2_origin import Served, http2_origin
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import until

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhi"


async def test_a_client_says_what_it_has_open() -> None:
    async with scripted(answers(OK)) as server:
        async with Client() as client:
            await client.get(server.url)
            await client.get(server.url)
            assert repr(client) == "<Client <Pool: 1 open to 1 origins, 1 idle, 0 waiting>, 2 requests>"
        assert repr(client) == "<Client closed: <Pool: 0 open to 0 origins, 0 idle, 0 waiting>, 2 requests>"


async def test_a_streamed_response_says_how_far_it_was_read() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK[:-1])
        await more.wait()
        await peer.say(OK[-1:])
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        response = await client.open(client.prepare("GET", f"{server.url}?a"))
        flight = response._flight
        assert await until(lambda: flight._inflow.waiting == 1)
        url = f"{server.url}?a"
        request = f"<PreparedRequest GET {url}>"
        assert repr(response) == f"<StreamedResponse 200 {url}: open, 0 bytes read>"
        assert repr(flight) == f"<Flight of {request}: under way, <Inflow: open, 1 bytes waiting>>"
        (connection,) = client._pool._connections
        assert repr(flight.exchange) == f"<StreamedExchange of {request}: receive, on {connection!r}>"
        more.set()
        await response.read()
        assert repr(response) == f"<StreamedResponse 200 {url}: complete, 2 bytes read>"
        assert repr(flight) == f"<Flight of {request}: over, <Inflow: complete, 0 bytes waiting>>"
        assert repr(flight.exchange).startswith(f"<StreamedExchange of {request}: over, on <Connection to http://")
        await response.aclose()
        assert repr(response) == f"<StreamedResponse 200 {url}: closed, 2 bytes read>"


async def test_a_tunnel_says_where_it_leads_and_whether_it_is_open() -> None:
    leaving = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(UPGRADED)
        await leaving.wait()
        peer.half_close()
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        response = await client.open(client.prepare("GET", server.url, headers={"Upgrade": "x"}))
        tunnel = response.tunnel
        assert "handed over" in repr(response._flight)
        where = f"<Tunnel to ('127.0.0.1', {server.port})"
        assert await tunnel.read() == b"hi"
        assert repr(tunnel) == f"{where}: open, 0 bytes waiting>"
        leaving.set()
        assert await tunnel.read() == b""
        assert repr(tunnel) == f"{where}: ended by the peer, 0 bytes waiting>"
        await response.aclose()
        assert await until(lambda: client.stats()["connections"]["open"] == 0)
        assert "lost" in repr(tunnel)


async def test_a_stream_says_which_one_it_is_and_in_which_phase() -> None:
    async def script(stream: Served) -> None:
        await stream.peer.until(lambda: stream.code is not None)

    async with http2_origin(script) as origin, Client(http2="prior-knowledge") as client:
        task = asyncio.create_task(client.get(origin.url))
        assert await until(lambda: bool(origin.streams))
        (connection,) = client._pool._connections
        (stream,) = connection._carried  # type: ignore[attr-defined]  # it is one of HTTP/2
        assert repr(stream) == f"<Http2Stream 1: wait, on {connection!r}>"
        assert "1 of 1000 streams" in repr(connection)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert repr(stream).startswith("<Http2Stream 1: over, on ")
