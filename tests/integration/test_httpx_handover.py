"""Connections handed over through the face: network streams, WebSockets over them, TLS inside a tunnel."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import wsproto
from httpx2.websockets import WebSocketNetworkError
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage

from milkrun.client.http1 import streaming
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.httpx_faces import face, talking
from tests.support.loops import both_loops as anyio_backend
from tests.support.proxies import http_proxy
from tests.support.scripted import OK, Peer, Script, answers, scripted, silence
from tests.support.turns import until

__all__ = ["anyio_backend", "face"]

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = {"Connection": "upgrade", "Upgrade": "echo"}


def switching(first: bytes = b"") -> Script:
    """Hand over, saying this in the same breath, and say everything again."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING + first)
        with contextlib.suppress(OSError):
            while data := await peer._loop.sock_recv(peer._sock, 65536):
                await peer.say(data)

    return script


@asynccontextmanager
async def handed_over(face: Any, script: Script) -> AsyncIterator[Any]:
    async with scripted(script) as origin, talking(face) as (http, client):
        async with http.stream("GET", origin.url, headers=UPGRADE) as response:
            assert response.status_code == 101
            yield response.extensions["network_stream"]
        assert await until(lambda: at_rest(client, idle=0))
        assert client._pool.total.used == 0


def core(face: Any) -> Any:
    import httpcore
    import httpcore2

    return httpcore2 if face is httpx2 else httpcore


async def test_after_a_101_the_network_stream_is_the_connection(face: Any) -> None:
    async with handed_over(face, switching(b"hello")) as stream:
        assert await stream.read(2) == b"he"
        assert await stream.read(100) == b"llo"
        await stream.write(b"")
        await stream.write(b"again")
        assert await stream.read(100, timeout=5) == b"again"
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
        assert repr(stream).startswith("<Handed of <StreamedResponse 101")


async def test_a_warm_connection_is_handed_over_as_a_new_one(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await switching(b"hello")(peer)

    async with scripted(script) as origin, talking(face) as (http, client):
        await http.get(origin.url)
        async with http.stream("GET", origin.url, headers=UPGRADE) as response:
            assert await response.extensions["network_stream"].read(5) == b"hello"
            assert client.stats()["opened_total"] == 1


async def test_waiting_for_it_has_the_limits_of_httpcore(face: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_GRACE", 0.01)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await asyncio.Event().wait()

    async with handed_over(face, script) as stream:
        with pytest.raises(core(face).ReadTimeout):
            await stream.read(100, timeout=0.01)
        with pytest.raises(core(face).WriteTimeout):
            await stream.write(b"x" * 50_000_000, timeout=0.01)


async def test_what_is_closed_or_lost_raises_the_errors_of_httpcore(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await peer.hear()
        peer.reset()

    async with handed_over(face, script) as stream:
        await stream.write(b"now")
        with pytest.raises(core(face).ReadError):
            await stream.read(100)
        with pytest.raises(core(face).WriteError):
            await stream.write(b"more")
        for _ in range(2):
            await stream.aclose()
        with pytest.raises(core(face).ReadError, match="closed"):
            await stream.read(100)


async def test_a_body_there_is_none_of_and_a_whole_read_ends_the_tunnel(face: Any) -> None:
    async with scripted(switching(b"hello")) as origin, talking(face) as (http, client):
        response = await http.get(origin.url, headers=UPGRADE)
        assert (response.status_code, response.content) == (101, b"")
        assert await until(lambda: at_rest(client, idle=0))


async def test_an_upgrade_that_is_declined_is_a_response_as_any(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, client):
        response = await http.get(origin.url, headers=UPGRADE)
        assert response.content == b"hi"
        assert not hasattr(response.extensions["network_stream"], "read")
        assert at_rest(client, idle=1)


async def test_connect_to_a_proxy_gives_a_tunnel_with_tls_inside(face: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cafile=authority.ca_file)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        await writer.drain()
        writer.close()

    target = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=authority.good())
    port = target.sockets[0].getsockname()[1]
    async with http_proxy() as proxy, talking(face) as (http, client):
        extensions = {"target": b"127.0.0.1:%d" % port}
        async with http.stream("CONNECT", f"http://127.0.0.1:{proxy.port}", extensions=extensions) as response:
            assert response.status_code == 200
            stream = await response.extensions["network_stream"].start_tls(trust, "127.0.0.1", timeout=5)
            assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", proxy.port)
            await stream.write(b"")
            await stream.write(b"hello", timeout=5)
            assert [await stream.read(3), await stream.read(100), await stream.read(100)] == [b"hel", b"lo", b""]
            await stream.aclose()
        assert await until(lambda: at_rest(client, idle=0))
    target.close()


async def test_a_peer_inside_that_hangs_up_without_a_goodbye_has_ended(face: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cafile=authority.ca_file)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority.good().wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(await peer._loop.sock_recv(peer._sock, 65536))
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                await peer.say(outgoing.read())
            else:
                break
        peer.half_close()
        await peer.gone()

    async with handed_over(face, script) as stream:
        inside = await stream.start_tls(trust, "127.0.0.1", timeout=5)
        assert await inside.read(100, timeout=5) == b""


@pytest.mark.parametrize("first", [b"no handshake of TLS\r\n", b""])
async def test_a_handshake_inside_that_fails_closes_the_tunnel(face: Any, first: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await peer.hear()
        await peer.say(first)

    async with handed_over(face, script) as stream:
        with pytest.raises(core(face).ConnectError):
            await stream.start_tls(ssl.create_default_context(), "127.0.0.1")
        with pytest.raises(core(face).ReadError, match="closed"):
            await stream.read(100)


async def test_a_handshake_inside_has_the_time_it_is_given(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await silence(peer)

    async with handed_over(face, script) as stream:
        with pytest.raises(core(face).ConnectTimeout):
            await stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=0.01)


async def websocket(peer: Peer) -> None:
    """Answer each message with itself, until the client says goodbye."""
    side = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    while True:
        side.receive_data(await peer._loop.sock_recv(peer._sock, 65536) or None)
        for event in side.events():
            reply = _reply(event)
            if reply is not None:
                await peer.say(side.send(reply))
            if isinstance(event, CloseConnection):
                return


def _reply(event: wsproto.events.Event) -> wsproto.events.Event | None:
    if isinstance(event, Request):
        return AcceptConnection()
    if isinstance(event, TextMessage):
        return Message(data=f"again: {event.data}")
    return event.response() if isinstance(event, CloseConnection) else None


async def test_websockets_of_httpx2_go_over_it() -> None:
    async with scripted(websocket) as origin, talking(httpx2) as (http, client):
        async with http.websocket(origin.url.replace("http", "ws")) as session:
            for text in ("one", "two"):
                await session.send_text(text)
                assert await session.receive_text() == f"again: {text}"
            assert client.stats()["connections"]["in_use"] == 1
        assert await until(lambda: at_rest(client, idle=0))
        assert client._pool.total.used == 0


async def test_a_websocket_whose_server_vanishes_says_so() -> None:
    async def script(peer: Peer) -> None:
        side = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        side.receive_data(await peer.request())
        list(side.events())
        await peer.say(side.send(AcceptConnection()))
        peer.reset()

    async with scripted(script) as origin, talking(httpx2) as (http, client):
        async with http.websocket(origin.url) as session:
            with pytest.raises(WebSocketNetworkError):
                await session.receive_text()
        assert await until(lambda: at_rest(client, idle=0))
