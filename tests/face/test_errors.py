"""What goes wrong is one of the face's classes, the phase right, the request and the cause with it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from h2.errors import ErrorCodes

from tests.face.cells import Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.authority import Authority
from tests.support.http2_origin import Served, http2_origin
from tests.support.peers import Says, closed_port, server
from tests.support.proxies import http_proxy
from tests.support.scripted import OK, Peer, answers, once, scripted

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"


@everywhere()
async def test_a_port_where_nobody_listens_is_a_connect_error(visit: Visit) -> None:
    url = f"{'https' if visit.wire.secure else 'http'}://127.0.0.1:{closed_port()}/milk"
    with pytest.raises(visit.api.ConnectError) as caught:
        await visit.client.get(url)
    assert str(caught.value.request.url) == url
    assert caught.value.__cause__ is not None
    assert str(caught.value)


@on(Wire.TLS, Wire.HTTP2)
async def test_a_certificate_of_nobody_known_is_a_connect_error(visit: Visit, tmp_path: Path) -> None:
    async with server(Says, context=Authority(tmp_path).good()) as port:
        with pytest.raises(visit.api.ConnectError, match=r"(?i)certificate"):
            await visit.client.get(f"https://127.0.0.1:{port}/")


@on(Wire.TLS, Wire.HTTP2)
async def test_a_certificate_for_another_name_is_a_connect_error(visit: Visit, authority: Authority) -> None:
    async with server(Says, context=authority.good("dairy.test")) as port:
        with pytest.raises(visit.api.ConnectError):
            await visit.client.get(f"https://127.0.0.1:{port}/")


@on(Wire.TLS, Wire.HTTP2)
@pytest.mark.parametrize("text", [OK, b""], ids=["speaks-plainly", "hangs-up"])
async def test_what_is_not_tls_is_a_connect_error(visit: Visit, text: bytes) -> None:
    async with server(lambda: Says(text, hang_up=True)) as port:
        with pytest.raises(visit.api.ConnectError):
            await visit.client.get(f"https://127.0.0.1:{port}/")


@on(Wire.PLAIN)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"220 dairy.test ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: milk\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmilk\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"m" * 300_000,
        HALF,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
    ids=["nothing", "half-a-head", "smtp", "no-field", "no-length", "no-chunk", "endless", "half", "half-the-chunks"],
)
async def test_an_answer_that_is_none_is_a_remote_protocol_error(visit: Visit, text: bytes) -> None:
    async with scripted(once(text)) as serving:
        with pytest.raises(visit.api.RemoteProtocolError) as caught:
            await visit.client.post(serving.url, content=b"")
        assert str(caught.value.request.url) == serving.url


@on(Wire.PLAIN)
async def test_what_came_before_a_body_broke_off_was_read(visit: Visit) -> None:
    async with scripted(once(HALF)) as serving, visit.client.stream("GET", serving.url) as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"half"
        with pytest.raises(visit.api.RemoteProtocolError) as caught:
            await anext(pieces)
    assert str(caught.value.request.url) == serving.url
    assert response.is_closed


@on(Wire.PLAIN)
@pytest.mark.parametrize("text", [b"", HALF], ids=["before-the-answer", "in-the-body"])
async def test_a_reset_is_a_read_error(visit: Visit, text: bytes) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if text:
            await peer.say(text)
            await read.wait()
        peer.reset()

    async with scripted(script) as serving:
        with pytest.raises(visit.api.ReadError) as caught:
            await _post(visit, serving.url, read)
    assert str(caught.value.request.url) == serving.url


@on(Wire.PLAIN)
async def test_a_reset_in_the_middle_of_an_upload_is_a_network_error(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        peer.reset()

    async with scripted(script) as serving:
        with pytest.raises((visit.api.ReadError, visit.api.WriteError)) as caught:
            await visit.client.post(serving.url, content=b"m" * 16_000_000)
    assert isinstance(caught.value, visit.api.NetworkError)


async def _post(visit: Visit, url: str, read: asyncio.Event) -> None:
    async with visit.client.stream("POST", url) as response:
        async for _ in response.aiter_bytes():
            read.set()


async def _reset(stream: Served) -> None:
    stream.reset()


async def _reset_in_the_body(stream: Served) -> None:
    stream.head(200)
    await stream.say(b"half")
    stream.reset()


async def _go_away(stream: Served) -> None:
    stream.peer.goaway(stream.id, ErrorCodes.INTERNAL_ERROR)
    stream.peer.close()


async def _hang_up(stream: Served) -> None:
    stream.peer.close()


@on(Wire.HTTP2)
@pytest.mark.parametrize("script", [_reset, _reset_in_the_body, _go_away, _hang_up])
async def test_a_stream_that_breaks_off_is_a_remote_protocol_error(
    visit: Visit, authority: Authority, script: Callable[[Served], Awaitable[None]]
) -> None:
    async with http2_origin(script, context=authority.good()) as origin:
        with pytest.raises(visit.api.RemoteProtocolError) as caught:
            await visit.client.post(origin.url, content=b"milk")
    assert caught.value.request.method == "POST"


@everywhere(lambda cell: cell.wire is not Wire.HTTP2 or cell.face.is_ours)  # httpx2 sends them
@pytest.mark.parametrize(
    "headers",
    [{"X-Milk": "two\r\nlines"}, {"X-Milk": "two\nlines"}, {"X Milk": "blank"}, {"": "nameless"}, {"X-Milk": "nul\0"}],
    ids=["crlf", "lf", "blank", "nameless", "nul"],
)
async def test_fields_that_cannot_be_sent_are_the_callers_mistake(visit: Visit, headers: dict[str, str]) -> None:
    with pytest.raises(visit.api.LocalProtocolError) as caught:
        await visit.client.get("/echo", headers=headers)
    assert caught.value.request.url.path == "/echo"
    assert heard(await visit.client.get("/echo")).method == "GET"


@everywhere()
async def test_a_request_without_a_host_is_the_callers_mistake(visit: Visit) -> None:
    request = visit.client.build_request("GET", "/echo")
    del request.headers["host"]
    with pytest.raises(visit.api.LocalProtocolError) as caught:
        await visit.client.send(request)
    assert caught.value.request is request


@on(Wire.PLAIN)
@pytest.mark.parametrize("url", ["ftp://dairy.test/", "dairy.test", "//dairy.test/", "http:///", "/echo"])
async def test_a_url_of_another_protocol_is_unsupported(visit: Visit, url: str) -> None:
    client = visit.made(base_url="")
    with pytest.raises((visit.api.UnsupportedProtocol, visit.api.LocalProtocolError)):
        await client.get(url)


@on(Wire.TLS)
async def test_what_a_proxy_refuses_is_a_proxy_error(visit: Visit) -> None:
    async with http_proxy(credentials=("ann", "milk")) as proxy:
        client = visit.made(proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(visit.api.ProxyError) as caught:
            await client.get("/echo")
    assert caught.value.request.url.path == "/echo"


@on(Wire.TLS)
async def test_a_proxy_carries_a_request(visit: Visit) -> None:
    async with http_proxy() as proxy:
        client = visit.made(proxy=f"http://127.0.0.1:{proxy.port}")
        assert heard(await client.get("/echo")).method == "GET"
    assert proxy.asked == [f"127.0.0.1:{visit.port}"]


@on(Wire.PLAIN)
async def test_an_error_leaves_the_connections_of_others_alone(visit: Visit) -> None:
    before = heard(await visit.client.get("/echo"))
    async with scripted(once(b"")) as bad, scripted(answers(OK)) as good:
        with pytest.raises(visit.api.RemoteProtocolError):
            await visit.client.post(bad.url)
        assert (await visit.client.get(good.url)).text == "hi"
    assert heard(await visit.client.get("/echo")).peer == before.peer
