"""Connections that are handed over: 101, CONNECT, and what httpx2 builds on them."""

import ssl

import pytest

from tests.face.cells import Face, Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.authority import Authority
from tests.support.peers import Says, server
from tests.support.proxies import http_proxy
from tests.support.scripted import Peer, scripted

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: milk\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "milk"}


async def say_back(peer: Peer) -> None:
    """Switch, and say a little of the new protocol in the same breath; then answer one message."""
    await peer.request()
    await peer.say(SWITCHED + b"welcome")
    await peer.request()
    await peer.say(b"heard: " + peer.heard[1])
    await peer.gone()


@on(Wire.PLAIN)
async def test_a_connection_that_switches_is_the_callers(visit: Visit) -> None:
    async with scripted(say_back) as serving, visit.client.stream("GET", serving.url, headers=UPGRADE) as response:
        assert (response.status_code, response.headers["upgrade"]) == (101, "milk")
        network = response.extensions["network_stream"]
        assert await network.read(max_bytes=3, timeout=5.0) == b"wel"
        assert await network.read(max_bytes=100, timeout=5.0) == b"come"
        await network.write(b"two bottles\r\n\r\n", timeout=5.0)
        assert await network.read(max_bytes=100, timeout=5.0) == b"heard: two bottles\r\n\r\n"
        assert tuple(network.get_extra_info("server_addr")) == ("127.0.0.1", serving.port)
        await network.aclose()


@on(Wire.PLAIN)
async def test_reading_from_it_ends_with_the_server(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHED)

    async with scripted(script) as serving, visit.client.stream("GET", serving.url, headers=UPGRADE) as response:
        network = response.extensions["network_stream"]
        assert await network.read(max_bytes=100, timeout=5.0) == b""


@on(Wire.PLAIN)
async def test_a_connection_that_switched_is_never_used_again(visit: Visit) -> None:
    async with scripted(say_back) as serving:
        client = visit.made(connections=1)
        for _ in range(2):
            async with client.stream("GET", serving.url, headers=UPGRADE) as response:
                assert response.status_code == 101
        assert len(serving.peers) == 2
        assert heard(await client.get("/echo")).method == "GET"


@on(Wire.PLAIN)
async def test_connect_makes_a_tunnel(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 Connected\r\n\r\n")
        await peer.hear()
        await peer.say(b"through")
        await peer.gone()

    async with scripted(script) as serving:
        extensions = {"target": b"dairy.test:443"}
        async with visit.client.stream("CONNECT", serving.url, extensions=extensions) as response:
            assert response.status_code == 200
            network = response.extensions["network_stream"]
            await network.write(b"hello", timeout=5.0)
            assert await network.read(max_bytes=100, timeout=5.0) == b"through"
            await network.aclose()
    assert serving.peers[0].heard[0].startswith(b"CONNECT dairy.test:443 HTTP/1.1\r\n")


@on(Wire.PLAIN)
async def test_tls_may_begin_inside_a_tunnel(visit: Visit, authority: Authority, trust: ssl.SSLContext) -> None:
    async with http_proxy() as proxy, server(lambda: Says(b"through"), context=authority.good()) as port:
        extensions = {"target": b"127.0.0.1:%d" % port}
        url = f"http://127.0.0.1:{proxy.port}/"
        async with visit.client.stream("CONNECT", url, extensions=extensions) as response:
            network = response.extensions["network_stream"]
            secure = await network.start_tls(trust, server_hostname="127.0.0.1", timeout=5.0)
            assert secure.get_extra_info("ssl_object").version() == "TLSv1.3"
            await secure.write(b"hello", timeout=5.0)
            assert await secure.read(max_bytes=100, timeout=5.0) == b"through"
            await secure.aclose()


@on(Wire.PLAIN)
async def test_tls_inside_a_tunnel_that_fails_is_a_connect_error(visit: Visit, trust: ssl.SSLContext) -> None:
    async with http_proxy() as proxy, server(lambda: Says(b"no TLS", hang_up=True)) as port:
        extensions = {"target": b"127.0.0.1:%d" % port}
        url = f"http://127.0.0.1:{proxy.port}/"
        async with visit.client.stream("CONNECT", url, extensions=extensions) as response:
            with pytest.raises(visit.core.ConnectError):
                await response.extensions["network_stream"].start_tls(trust, server_hostname="127.0.0.1", timeout=5.0)


@on(Wire.PLAIN)
async def test_a_tunnel_that_stays_silent_is_a_read_timeout(visit: Visit) -> None:
    async with scripted(say_back) as serving, visit.client.stream("GET", serving.url, headers=UPGRADE) as response:
        network = response.extensions["network_stream"]
        assert await network.read(max_bytes=100, timeout=5.0) == b"welcome"
        with pytest.raises(visit.core.ReadTimeout):
            await network.read(max_bytes=100, timeout=0.02)


@everywhere(lambda cell: cell.face is not Face.LEGACY and cell.wire is not Wire.HTTP2)
async def test_httpx2s_websockets_go_over_it(visit: Visit) -> None:
    async with visit.client.websocket(f"{visit.door.replace('http', 'ws', 1)}/socket") as socket:
        for text in ("two bottles", "m" * 40_000):
            await socket.send_text(text)
            assert await socket.receive_text() == text


@everywhere(lambda cell: cell.face is not Face.LEGACY)
async def test_httpx2s_server_sent_events_go_over_it(visit: Visit) -> None:
    async with visit.client.sse("/events") as events:
        assert [event.data async for event in events] == ["one", "two"]
