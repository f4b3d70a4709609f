"""Connections handed over, by 101 or CONNECT: bytes both ways, their pace, and every way in which they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from milkrun.client import Client, Limits, RequestError, StreamedResponse, Tunnel, UsageError
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, server
from tests.support.scripted import OK, Peer, Script, answers, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
GRANTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
UPGRADE = {"upgrade": "echo"}
MUCH = 40_000_000  # bytes: more than the kernel holds for a connection


async def echo(peer: Peer) -> None:
    """Hand over, and say everything again."""
    await peer.request()
    await peer.say(SWITCHING)
    while data := await peer._loop.sock_recv(peer._sock, 65536):
        await peer.say(data)


def then(do: Callable[[Peer], Awaitable[None] | None]) -> Script:
    """Hand over, hear something, and do this."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await peer.hear()
        doing = do(peer)
        if doing is not None:
            await doing

    return script


@asynccontextmanager
async def handed_over(script: Script) -> AsyncIterator[tuple[Client, StreamedResponse, Tunnel]]:
    async with scripted(script) as origin, Client() as client:
        async with client.stream("GET", origin.url, headers=UPGRADE) as response:
            assert response.status == 101
            yield client, response, response.tunnel
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"].keys() <= {"not-kept", "server"}


async def read_all(tunnel: Tunnel) -> bytes:
    pieces = []
    while piece := await tunnel.read():
        pieces.append(piece)
    return b"".join(pieces)


async def test_bytes_go_both_ways() -> None:
    async with handed_over(echo) as (client, response, tunnel):
        assert response.headers["upgrade"] == "echo"
        assert response.tunnel is tunnel
        assert client.stats()["connections"]["in_use"] == 1
        for text in (b"ping", b"pong"):
            await tunnel.write(text)
            assert await tunnel.read() == text
        assert tunnel.get_extra_info("peername")[0] == "127.0.0.1"


@pytest.mark.parametrize("split", [len(SWITCHING) + 5, len(SWITCHING), 20])
async def test_what_came_with_the_head_is_the_first_to_be_read(split: int) -> None:
    text = SWITCHING + b"hello"

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(text[:split])
        await turns()
        await peer.say(text[split:])
        await peer.hear()

    async with handed_over(script) as (_, _, tunnel):
        assert await tunnel.read() == b"hello"
        await tunnel.write(b"bye")
        assert await read_all(tunnel) == b""


async def test_a_proxys_grant_hands_the_connection_over_too() -> None:
    async def script(peer: Peer) -> None:
        heard = await peer.request()
        assert heard.startswith(b"CONNECT target.test:443 HTTP/1.1\r\n")
        await peer.say(GRANTED + b"hello")
        await silence(peer)

    async with scripted(script) as origin, Client() as client:
        async with client.stream("CONNECT", origin.url, target="target.test:443") as response:
            assert await response.tunnel.read() == b"hello"
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_refused_connect_is_a_response_like_others() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    async with scripted(answers(refusal)) as origin, Client() as client:
        async with client.stream("CONNECT", origin.url, target="target.test:443") as response:
            assert (response.status, await response.read()) == (403, b"no")
            with pytest.raises(UsageError, match="does not hand the connection over"):
                _ = response.tunnel
        assert at_rest(client, idle=1)


async def test_a_server_that_does_not_switch_answers_as_usual() -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        async with client.stream("GET", origin.url, headers=UPGRADE) as response:
            assert (response.status, await response.read()) == (200, b"hi")
        assert at_rest(client, idle=1)


async def test_a_connection_nobody_takes_over_is_closed() -> None:
    async with scripted(echo) as origin, Client() as client:
        async with client.stream("GET", origin.url, headers=UPGRADE):
            pass
        assert await until(lambda: at_rest(client, idle=0))


async def test_the_servers_end_is_read_as_the_end_and_ours_may_come_later() -> None:
    heard: list[bytes] = []

    async def finish(peer: Peer) -> None:
        peer.half_close()
        heard.append(await peer._loop.sock_recv(peer._sock, 100))
        assert await peer.gone()

    async with handed_over(then(finish)) as (_, _, tunnel):
        await tunnel.write(b"hello")
        assert await read_all(tunnel) == b""
        await tunnel.write(b"late")
        assert await until(lambda: heard == [b"late"])


async def test_our_end_is_told_and_theirs_may_come_later() -> None:
    async with handed_over(echo) as (_, _, tunnel):
        await tunnel.write(b"hello")
        tunnel.write_eof()
        assert await read_all(tunnel) == b"hello"


async def test_a_reset_is_raised_to_the_reader_and_the_writer() -> None:
    async with handed_over(then(Peer.reset)) as (_, _, tunnel):
        reading = asyncio.create_task(tunnel.read())
        await turns(2)
        await tunnel.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reading
        with pytest.raises(ConnectionResetError):
            await tunnel.write(b"x")


async def test_a_writer_who_waits_is_let_go_when_the_connection_is_lost() -> None:
    async def cut(peer: Peer) -> None:
        await waiting.wait()
        peer.reset()

    waiting = asyncio.Event()
    async with handed_over(then(cut)) as (_, _, tunnel):
        writing = asyncio.create_task(tunnel.write(b"x" * MUCH))
        await turns(50)
        assert not writing.done()
        waiting.set()
        await writing
        with pytest.raises(ConnectionResetError):
            await tunnel.write(b"x")


async def test_a_peer_that_reads_slowly_holds_the_writer_back() -> None:
    read = asyncio.Event()
    count = 0

    async def later(peer: Peer) -> None:
        nonlocal count
        await read.wait()
        while data := await peer._loop.sock_recv(peer._sock, 1_000_000):
            count += len(data)

    async with handed_over(then(later)) as (_, _, tunnel):
        writing = asyncio.create_task(tunnel.write(b"x" * MUCH))
        await turns(100)
        assert not writing.done()
        read.set()
        await writing
    assert count > MUCH // 2


async def test_a_reader_who_is_slow_holds_the_peer_back() -> None:
    sent = 0

    async def much(peer: Peer) -> None:
        nonlocal sent
        for _ in range(MUCH // 1_000_000):
            await peer.say(b"x" * 1_000_000)
            sent += 1_000_000

    async with handed_over(then(much)) as (_, _, tunnel):
        await tunnel.write(b"go")
        before = -1
        while before != sent or not sent:
            before = sent
            await turns(1000)
        assert sent < MUCH
        assert len(await read_all(tunnel)) == MUCH


async def test_closing_sends_what_was_written_first() -> None:
    heard: list[bytes] = []

    async def listen(peer: Peer) -> None:
        while data := await peer._loop.sock_recv(peer._sock, 65536):
            heard.append(data)

    async with handed_over(then(listen)) as (_, _, tunnel):
        await tunnel.write(b"x" * 100_000)
        await tunnel.write(b"x" * 1_000_000)
        tunnel.close()
        tunnel.close()
        for use in (tunnel.read(), tunnel.write(b"x")):
            with pytest.raises(UsageError, match="the tunnel is closed"):
                await use
        assert await until(lambda: sum(map(len, heard)) >= 1_000_000)


async def test_a_tunnel_ends_with_its_response() -> None:
    async with scripted(echo) as origin, Client() as client:
        async with client.stream("GET", origin.url, headers=UPGRADE) as response:
            tunnel = response.tunnel
        with pytest.raises(UsageError, match="the tunnel is closed"):
            await tunnel.read()
        with pytest.raises(UsageError, match="the response is closed"):
            _ = response.tunnel


async def test_a_tunnel_ends_with_its_client() -> None:
    async with scripted(echo) as origin:
        client = Client()
        response = await client.open(client.prepare("GET", origin.url, headers=UPGRADE))
        tunnel = response.tunnel
        reading = asyncio.create_task(tunnel.read())
        await turns(2)
        await client.aclose()
        with pytest.raises(UsageError, match="the client is closed"):
            await reading
        await response.aclose()
        assert at_rest(client, idle=0)


async def test_a_reader_who_goes_away_loses_nothing() -> None:
    async with handed_over(echo) as (_, _, tunnel):
        reading = asyncio.create_task(tunnel.read())
        await turns(2)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await tunnel.write(b"hello")
        assert await tunnel.read() == b"hello"


async def test_over_tls_the_end_is_said_by_closing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        server(lambda: Says(SWITCHING + b"hello"), context=authority.good()) as port,
        Client(ca_file=authority.ca_file) as client,
        client.stream("GET", f"https://localhost:{port}/", headers=UPGRADE) as response,
    ):
        tunnel = response.tunnel
        assert await tunnel.read() == b"hello"
        tunnel.write_eof()  # which TLS cannot
        await tunnel.write(b"still open")
        assert await tunnel.read() == SWITCHING + b"hello"


async def test_writers_at_once_all_go_on_when_there_is_room_again() -> None:
    reading = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCHING)
        await reading.wait()
        await peer.gone()

    async with handed_over(late) as (_, _, tunnel):
        writers = [asyncio.create_task(tunnel.write(bytes(size))) for size in (MUCH, 1, 1)]
        await turns()
        assert not any(writer.done() for writer in writers)
        reading.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*writers)


async def test_a_second_reader_is_refused_and_the_first_goes_on() -> None:
    async with handed_over(echo) as (_, _, tunnel):
        first = asyncio.create_task(tunnel.read())
        await turns()
        with pytest.raises(UsageError, match="another task reads"):
            await tunnel.read()
        await tunnel.write(b"hi")
        assert await first == b"hi"


async def test_connect_is_not_for_whole_responses_and_opens_nothing() -> None:
    async with scripted(answers(GRANTED)) as origin, Client() as client:
        with pytest.raises(UsageError, match="use `stream`"):
            await client.request("CONNECT", origin.url, target="target.test:443")
        assert not origin.peers
        assert at_rest(client, idle=0)


async def test_a_switch_in_answer_to_a_whole_request_is_told_as_that() -> None:
    async with scripted(answers(SWITCHING)) as origin, Client() as client:
        with pytest.raises(RequestError, match="101, to another protocol") as caught:
            await client.get(origin.url, headers=UPGRADE)
        assert (caught.value.layer, caught.value.kind) == ("protocol", "bad-status-line")
        assert await until(lambda: at_rest(client, idle=0))


@pytest.mark.parametrize("end", [Peer.gone, Peer.reset], ids=["open", "reset"])
async def test_a_closed_tunnel_gives_its_place_up_before_its_response_does(end: Callable[[Peer], Any]) -> None:
    async with scripted(then(end)) as origin, Client(limits=Limits(per_origin=1)) as client:
        request = client.prepare("GET", origin.url, headers=UPGRADE)
        for _ in range(2):
            response = await client.open(request)
            await response.tunnel.write(b"hi")
            if end is Peer.reset:
                with pytest.raises(ConnectionResetError):
                    await response.tunnel.read()
            response.tunnel.close()
        assert await until(lambda: at_rest(client, idle=0))
