"""Content announced by Expect: 100-continue: sent when the server asks for it, when it says nothing, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from milkrun.client import Client, RequestError
from tests.support.accounts import at_rest
from tests.support.dialling import Directory
from tests.support.puppets import Puppets, puppets
from tests.support.scripted import OK, Peer, answers, scripted
from tests.support.stepping import SteppedLoop
from tests.support.turns import turns, until

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECT = {"expect": "100-continue"}


async def pieces() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cde"


async def as_it_comes(peer: Peer, end: bytes) -> None:
    data = b""
    while not data.endswith(end):
        data += await peer._loop.sock_recv(peer._sock, 65536)


@pytest.mark.parametrize(("content", "end"), [(b"abcde", b"abcde"), (pieces, b"0\r\n\r\n")], ids=["bytes", "stream"])
async def test_content_waits_for_the_servers_word(content: bytes | Callable[[], Any], end: bytes) -> None:
    before: list[bytes] = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            before.append(await peer.request())
            await peer.say(CONTINUE)
            await as_it_comes(peer, end)
            await peer.say(OK)

    async with scripted(script) as server, Client() as client:
        for reused in (False, True):
            given = content if isinstance(content, bytes) else content()
            async with client.stream("POST", server.url, content=given, headers=EXPECT) as response:
                assert (await response.read(), response.connection.reused) == (b"hi", reused)
                assert [status for status, _ in response.interim] == [100]
        assert all(head.endswith(b"\r\n\r\n") for head in before)


async def test_a_refusal_spares_the_content() -> None:
    touched: list[bool] = []

    async def untouched() -> AsyncIterator[bytes]:
        touched.append(True)
        yield b"x"

    refusal = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"
    async with scripted(answers(refusal)) as server, Client() as client:
        response = await client.post(server.url, content=untouched(), headers=EXPECT)
        assert (response.status, response.body, touched) == (417, b"no", [])
        assert await until(lambda: at_rest(client, idle=0))  # the server still waits for the content


async def test_a_refusal_whose_body_comes_later_spares_the_content_too() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\n")
        await turns(50)
        await peer.say(b"no")
        heard.append(await peer._loop.sock_recv(peer._sock, 100))

    heard: list[bytes] = []
    async with scripted(script) as server, Client() as client:
        async with client.stream("POST", server.url, content=pieces(), headers=EXPECT) as response:
            assert (response.status, await response.read()) == (417, b"no")
        assert await until(lambda: heard == [b""])


async def test_content_that_was_not_touched_may_be_sent_on_another_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.say(OK)
            await peer.request()  # and close: nothing was said to it
            return
        await peer.say(CONTINUE)
        await as_it_comes(peer, b"0\r\n\r\n")
        await peer.say(OK)

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        response = await client.put(server.url, content=pieces(), headers=EXPECT)
        assert (response.status, response.stale_retry) == (200, True)


async def test_a_connection_that_ends_instead_of_the_word_is_told() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError, match="send/closed"):
            await client.post(server.url, content=b"x", headers=EXPECT)
        assert await until(lambda: at_rest(client, idle=0))


def test_a_server_that_says_nothing_gets_the_content_after_a_second() -> None:
    loop = SteppedLoop()
    loop.run_until_complete(ask_without_an_answer(loop))
    loop.close()


async def ask_without_an_answer(loop: SteppedLoop) -> None:
    async with puppets() as origin, Client(clock=loop.time, resolver=Directory()) as client:
        url = f"http://127.0.0.1:{origin.port}/"
        request = asyncio.create_task(client.post(url, content=pieces(), headers=EXPECT))
        assert await until(lambda: is_asked(origin))
        loop.moment += 0.9
        assert not await until(lambda: not origin.puppets[0]._is_hearing, count=100)
        loop.moment += 0.2
        assert await until(lambda: not origin.puppets[0]._is_hearing)
        origin.puppets[0].whole()
        assert (await request).status == 200


def is_asked(origin: Puppets) -> bool:
    return any(puppet.path is not None for puppet in origin.puppets)
