"""Failures over real sockets, each as the class that users of the face expect, with ours as its cause."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from milkrun.client import Client, Limits, RequestError, UsageError
from milkrun.client.httpx import Transport
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.http2_origin import Served, http2_origin
from tests.support.httpx_faces import face, talking
from tests.support.peers import black_hole, closed_port, mute
from tests.support.scripted import OK, Peer, answers, once, scripted, silence
from tests.support.turns import until

__all__ = ["face"]

SOON = 0.05
CUT_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"


async def failing(http: Any, face: Any, url: str, **options: Any) -> tuple[str, str]:
    """Ask, and say what it came to: the face's class and our words."""
    with pytest.raises(face.TransportError) as caught:
        await http.request(options.pop("method", "GET"), url, **options)
    cause = caught.value.__cause__
    assert isinstance(cause, RequestError)
    assert caught.value.request.url == url
    return type(caught.value).__name__, f"{cause.layer}/{cause.kind}"


async def test_a_name_that_is_not_there_and_a_port_that_is_closed_are_connect_errors(face: Any) -> None:
    async with talking(face) as (http, client):
        assert await failing(http, face, "http://nowhere.invalid/") == ("ConnectError", "dns/not-found")
        url = f"http://127.0.0.1:{closed_port()}/"
        assert await failing(http, face, url) == ("ConnectError", "connect/refused")
        assert at_rest(client, idle=0)


async def test_a_certificate_that_is_not_trusted_is_a_connect_error(face: Any, tmp_path: Path) -> None:
    context = Authority(tmp_path).expired()
    async with http2_origin(lambda _: silence, context=context) as origin, talking(face) as (http, _):  # type: ignore[arg-type,return-value]  # never heard
        name, words = await failing(http, face, origin.url.replace("localhost", "127.0.0.1"))
        assert (name, words.partition("/")[0]) == ("ConnectError", "tls")


@pytest.mark.parametrize("wire", ["http", "https"])
async def test_the_time_to_connect_is_a_limit_of_its_own(face: Any, wire: str) -> None:
    server = black_hole() if wire == "http" else mute()
    with server as port:
        async with talking(face) as (http, client):
            limits = face.Timeout(9, connect=SOON)
            name, words = await failing(http, face, f"{wire}://127.0.0.1:{port}/", timeout=limits)
            assert (name, words) == ("ConnectTimeout", "connect/timeout" if wire == "http" else "tls/timeout")
            assert await until(lambda: at_rest(client, idle=0))


async def test_the_time_for_a_place_in_the_pool_is_a_limit_of_its_own(face: Any) -> None:
    async with scripted(silence) as origin, talking(face, limits=Limits(total=1)) as (http, client):
        first = asyncio.create_task(http.get(origin.url, timeout=None))
        assert await until(lambda: client.stats()["connections"]["in_use"] == 1)
        name, words = await failing(http, face, origin.url, timeout=face.Timeout(9, pool=SOON))
        assert (name, words) == ("PoolTimeout", "self/overload")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_the_time_to_write_is_a_limit_of_its_own(face: Any) -> None:
    async def deaf(peer: Peer) -> None:
        await peer.request()
        await asyncio.Event().wait()

    async def much() -> AsyncIterator[bytes]:
        for _ in range(500):
            yield b"x" * 100_000

    async with scripted(deaf) as origin, talking(face) as (http, client):
        limits = face.Timeout(9, write=SOON)
        for content in (much(), b"x" * 50_000_000):
            options = {"content": content, "headers": {"content-length": "50000000"}, "timeout": limits}
            assert await failing(http, face, origin.url, method="POST", **options) == ("WriteTimeout", "send/timeout")
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\n"])
async def test_the_time_to_read_is_a_limit_for_the_head_on_a_new_connection_and_a_warm_one(
    face: Any, text: bytes
) -> None:
    async with scripted(answers(OK, text)) as warm, scripted(answers(text)) as new, talking(face) as (http, _):
        await http.get(warm.url)
        for url in (warm.url, new.url):
            limits = face.Timeout(9, read=SOON)
            assert await failing(http, face, url, timeout=limits) == ("ReadTimeout", "wait/timeout")


async def test_the_time_to_read_is_a_limit_for_each_piece_of_the_body(face: Any) -> None:
    async with scripted(answers(CUT_OFF)) as origin, talking(face) as (http, client):
        async with http.stream("GET", origin.url, timeout=face.Timeout(9, read=SOON)) as response:
            with pytest.raises(face.ReadTimeout) as caught:
                await response.aread()
            assert caught.value.request.url == origin.url
        assert await until(lambda: at_rest(client, idle=0))


async def test_without_limits_nothing_is_limited(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        for _ in range(2):
            assert (await http.get(origin.url, timeout=None)).content == b"hi"
        request = face.Request("GET", origin.url)
        assert (await http.send(request)).content == b"hi"


async def test_a_server_that_hangs_up_without_a_response_breaks_the_protocol(face: Any) -> None:
    async with scripted(once(b"")) as origin, talking(face) as (http, _):
        assert await failing(http, face, origin.url, method="POST") == ("RemoteProtocolError", "wait/closed")


async def test_a_server_that_hangs_up_in_the_middle_of_a_body_breaks_the_protocol(face: Any) -> None:
    async with scripted(once(CUT_OFF)) as origin, talking(face) as (http, client):
        assert await failing(http, face, origin.url) == ("RemoteProtocolError", "receive/truncated")
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_response_that_is_no_http_breaks_the_protocol(face: Any) -> None:
    async with scripted(once(b"SSH-2.0\r\n\r\n")) as origin, talking(face) as (http, _):
        assert await failing(http, face, origin.url) == ("RemoteProtocolError", "protocol/bad-status-line")


async def test_a_reset_is_the_networks(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with scripted(script) as origin, talking(face) as (http, _):
        assert await failing(http, face, origin.url) == ("ReadError", "wait/reset")


async def test_a_stream_of_http2_that_is_reset_breaks_the_protocol(face: Any, tmp_path: Path) -> None:
    async def script(stream: Served) -> None:
        stream.reset()

    authority = Authority(tmp_path)
    async with (
        http2_origin(script, context=authority.good()) as origin,
        talking(face, ca_file=authority.ca_file, resolver=Directory()) as (http, _),
    ):
        assert await failing(http, face, origin.url) == ("RemoteProtocolError", "wait/reset")


async def test_a_proxy_that_refuses_is_a_proxy_error(face: Any) -> None:
    refusal = once(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    async with scripted(refusal) as proxy, talking(face, proxy=proxy.url) as (http, _):
        assert await failing(http, face, "http://127.0.0.1:1/") == ("ProxyError", "self/proxy")


async def test_a_proxy_that_says_nothing_runs_into_the_time_to_connect(face: Any) -> None:
    async with scripted(silence) as proxy, talking(face, proxy=proxy.url) as (http, _):
        limits = face.Timeout(9, connect=SOON)
        assert (await failing(http, face, "http://127.0.0.1:1/", timeout=limits))[0] == "ConnectTimeout"


async def test_an_upload_shorter_or_longer_than_promised_cannot_be_sent(face: Any) -> None:
    async def piece() -> AsyncIterator[bytes]:
        yield b"abc"

    async with scripted(silence) as origin, talking(face) as (http, client):
        for promised in ("2", "4"):
            with pytest.raises(face.LocalProtocolError, match=f"says {promised}"):
                await http.post(origin.url, content=piece(), headers={"content-length": promised})
            assert await until(lambda: at_rest(client, idle=0))


async def test_a_closed_client_and_another_loop_are_mistakes_and_no_errors_of_the_network(face: Any) -> None:
    client = Client()
    http = face.AsyncClient(transport=Transport(client))
    async with scripted(answers(OK)) as origin:
        await http.get(origin.url)

        def elsewhere() -> None:
            asyncio.run(http.get(origin.url))

        with pytest.raises(UsageError, match="another thread"):
            await asyncio.to_thread(elsewhere)
        await client.aclose()
        with pytest.raises(UsageError, match="the client is closed") as caught:
            await http.get(origin.url)
        assert not isinstance(caught.value, face.HTTPError)
    await http.aclose()
