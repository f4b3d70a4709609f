"""Requests through proxies: warm tunnels, who shares them, what goes into them, and what the environment chooses."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from milkrun.client import Client, OwnError, RequestError, UsageError
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.proxy import Proxy
from tests.support import http2_origin
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.dialling import NAMES, Directory
from tests.support.faults import HEAD, LARGE, Large, serving
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import closed_port, mute
from tests.support.proxies import KINDS, http_proxy, proxied, says
from tests.support.scripted import HEAD_END, OK, Peer, answers, scripted
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def no_proxies_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def echo(length: int, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """A port where requests with content of this length are answered with the same."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # the client is done
            while await reader.readuntil(HEAD_END):
                writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % length + await reader.readexactly(length))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


def redirect(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
async def test_a_tunnel_stays_warm(authority: Authority, kind: str, *, over_tls: bool) -> None:
    context = authority.good("localhost") if over_tls else None
    async with (
        serving(answers(OK), context) as target,
        proxied(kind, authority) as (proxy, route),
        Client(resolver=Directory(), ca_file=authority.ca_file, proxy=route.proxy) as client,
    ):
        url = target.url.replace("127.0.0.1", "localhost")
        cold, warm = await client.get(url), await client.get(url)

        assert at_rest(client, idle=1)

    assert (cold.body, warm.body) == (b"hi", b"hi")
    assert cold.timings.proxy > 0
    assert cold.timings.connect > 0
    assert cold.timings.total >= cold.timings.proxy + cold.timings.connect + cold.timings.tls
    assert (warm.timings.proxy, warm.timings.connect, warm.timings.tls) == (0, 0, 0)
    assert warm.connection.reused
    assert warm.connection.proxy is not None
    assert warm.connection.proxy == cold.connection.proxy
    assert warm.connection.proxy.peer == f"127.0.0.1:{proxy.port}"
    assert len(proxy.asked) == 1


async def test_a_request_in_a_tunnel_is_as_it_would_be_without_one() -> None:
    async with (
        scripted(answers(OK)) as target,
        http_proxy(credentials=("jack", "s3cret")) as proxy,
        Client(proxy=f"http://jack:s3cret@127.0.0.1:{proxy.port}") as client,
    ):
        await client.get(f"{target.url}path?q=1", headers={"X-Mine": "1"})
        await client.get(f"{target.url}path?q=1", headers={"X-Mine": "1"}, proxy=None)

    through, past = target.peers[0].heard[0], target.peers[1].heard[0]
    assert through == past
    assert through.startswith(b"GET /path?q=1 HTTP/1.1\r\n")
    assert b"s3cret" not in through
    assert b"roxy" not in through
    assert b"X-Mine" not in proxy.heads[0]
    assert len(proxy.heads) == 1


async def test_only_requests_by_the_same_way_share_a_tunnel() -> None:
    async with scripted(answers(OK)) as target, http_proxy() as one, http_proxy() as other:
        ways = [
            None,
            f"http://127.0.0.1:{one.port}",
            f"http://jack:pw@127.0.0.1:{one.port}",
            f"http://jill:pw@127.0.0.1:{one.port}",
            f"http://127.0.0.1:{other.port}",
            Proxy.parse(f"http://127.0.0.1:{one.port}", headers=[("X-Team", "blue")]),
        ]
        async with Client() as client:
            fresh = [await client.get(target.url, proxy=way) for way in ways]
            again = [await client.get(target.url, proxy=way) for way in ways]

    assert not any(response.connection.reused for response in fresh)
    assert all(response.connection.reused for response in again)
    assert len(target.peers) == len(ways)


@pytest.mark.parametrize("kind", KINDS)
async def test_many_requests_at_once_share_one_tunnel_when_the_target_speaks_http2(
    authority: Authority, kind: str
) -> None:
    context = authority.good("localhost")
    async with (
        http2_origin.http2_origin(http2_origin.answers(b"hi"), context=context) as target,
        proxied(kind, authority) as (proxy, route),
        Client(resolver=Directory(), ca_file=authority.ca_file, proxy=route.proxy) as client,
    ):
        responses = await asyncio.gather(*(client.get(target.url) for _ in range(10)))

    assert {(response.status, response.version, response.body) for response in responses} == {(200, "2", b"hi")}
    assert len(proxy.asked) == 1


async def test_a_tunnel_that_was_closed_while_idle_is_replaced_once() -> None:
    async def one_each(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        if peer.number == 1:
            await peer.request()
        else:
            await peer.gone()

    async with (
        scripted(one_each) as target,
        http_proxy() as proxy,
        Client(proxy=f"http://127.0.0.1:{proxy.port}") as client,
    ):
        await client.get(target.url)
        response = await client.get(target.url)

    assert response.stale_retry
    assert len(proxy.asked) == 2


async def test_what_a_proxy_does_wrong_leaves_the_books_balanced() -> None:
    async with scripted(says(b"HTTP/1.1 407 Who are you\r\n\r\n")) as proxy, Client() as client:
        for way in (f"http://127.0.0.1:{proxy.port}", f"socks5://127.0.0.1:{closed_port()}"):
            with pytest.raises(OwnError) as caught:
                await client.get("http://127.0.0.1:9", proxy=way)
            assert (caught.value.layer, caught.value.kind) == ("self", "proxy")

        assert await until(lambda: at_rest(client, idle=0))


async def test_a_deadline_on_the_way_to_a_proxy_tells_how_long_that_was_tried() -> None:
    with mute() as port:
        async with Client() as client:
            way = Proxy.parse(f"https://127.0.0.1:{port}", tls=TlsOptions(insecure=True))
            with pytest.raises(OwnError) as caught:
                await client.get("http://127.0.0.1:9", proxy=way, timeout=0.2)

    error = caught.value
    assert (error.kind, error.phase) == ("proxy", "proxy")
    assert error.timings.total >= error.timings.proxy > 0.1
    assert error.connection is not None
    assert error.connection.proxy is not None


async def test_a_redirect_goes_through_the_same_proxy_without_its_credentials() -> None:
    async with (
        scripted(answers(OK)) as second,
        http_proxy(credentials=("jack", "s3cret")) as proxy,
        scripted(answers(redirect(second.url))) as first,
        Client(proxy=f"http://jack:s3cret@127.0.0.1:{proxy.port}") as client,
    ):
        response = await client.get(first.url, redirects="all")

    assert response.body == b"hi"
    assert proxy.asked == [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]
    assert b"roxy" not in second.peers[0].heard[0]


async def test_the_environment_is_asked_only_when_the_user_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(answers(OK)) as target, http_proxy() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        async with Client() as plain, Client(proxy="environment") as told:
            direct = await plain.get(target.url)
            asked = await plain.get(target.url, proxy="environment")
            by_default = await told.get(target.url)
            overruled = await told.get(target.url, proxy=None)

    through = [response.connection.proxy is not None for response in (direct, asked, by_default, overruled)]
    assert through == [False, True, True, False]


async def test_the_environment_is_asked_again_when_a_redirect_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "inside.test", ("127.0.0.1",))
    async with (
        scripted(answers(OK)) as inside,
        http_proxy() as proxy,
        scripted(answers(redirect(f"http://inside.test:{inside.port}/"))) as outside,
        scripted(answers(redirect(outside.url))) as first,
        Client(resolver=Directory(), proxy="environment") as client,
    ):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "inside.test")
        response = await client.get(f"http://inside.test:{first.port}/", redirects="all")

    assert len(response.history) == 2
    assert response.connection.proxy is None
    assert proxy.asked == [f"127.0.0.1:{outside.port}"]


@pytest.mark.parametrize("proxy", ["ftp://u:s3cret@p.test", "p.test:3128", "http://u:s3cret@p.test:x"])
async def test_what_names_no_proxy_is_a_mistake_of_the_callers(proxy: str) -> None:
    with pytest.raises(UsageError, match="expected") as caught:
        Client(proxy=proxy)
    async with Client() as client:
        with pytest.raises(UsageError, match="expected"):
            client.prepare("GET", "http://t.test", proxy=proxy)

    assert "s3cret" not in str(caught.value)


async def test_no_error_and_no_request_shows_a_proxys_credentials() -> None:
    async with scripted(says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")) as proxy, Client() as client:
        request = client.prepare("GET", "http://t.test", proxy=f"http://jack:s3cret@127.0.0.1:{proxy.port}")
        with pytest.raises(RequestError) as caught:
            await client.send(request)

    error = caught.value
    assert (error.layer, error.kind) == ("connect", "unreachable")
    assert "s3cret" not in f"{error!r} {error} {error.connection} {request!r} {request.key} {request.options}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
async def test_large_contents_and_bodies_come_whole_through_a_tunnel(
    authority: Authority, kind: str, *, over_tls: bool
) -> None:
    content = bytes(range(250)) * 8000
    context = authority.good("localhost") if over_tls else None
    async with (
        echo(len(content), context) as port,
        proxied(kind, authority) as (_, route),
        Client(resolver=Directory(), ca_file=authority.ca_file, proxy=route.proxy) as client,
    ):
        url = f"http{'s' if over_tls else ''}://localhost:{port}/"
        responses = [await client.post(url, content=content) for _ in range(3)]

    assert [response.body for response in responses] == [content] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
async def test_a_body_that_is_read_slowly_is_held_back_through_a_tunnel(
    authority: Authority, kind: str, *, over_tls: bool
) -> None:
    context = authority.good("localhost") if over_tls else None
    large = Large(chunked=False)
    async with (
        serving(large, context) as target,
        proxied(kind, authority) as (_, route),
        Client(resolver=Directory(), ca_file=authority.ca_file, proxy=route.proxy) as client,
    ):
        url = target.url.replace("127.0.0.1", "localhost")
        async with client.stream("GET", url) as response:
            pieces = aiter(response)
            await anext(pieces)
            before = -1
            while before < large.sent:
                before = large.sent
                await turns(2000)

    assert large.sent < LARGE / 2
