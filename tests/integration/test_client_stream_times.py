"""How long streamed responses are waited for: their heads, each piece, the rest that nobody wants.

Time is the loop's own, and passes by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from milkrun.client import Client, RequestError, StreamedResponse
from milkrun.client.preparing import RequestOptions
from tests.support import http2_origin as h2
from tests.support.accounts import at_rest
from tests.support.dialling import Directory
from tests.support.http2_origin import Http2Origin, http2_origin
from tests.support.puppets import Puppets, puppets
from tests.support.stepping import SteppedLoop
from tests.support.turns import turns, until

H2: RequestOptions = {"http2": "prior-knowledge"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"


class Server:
    """One request at a server of either kind, answered by hand."""

    def __init__(self, plain: Puppets, shared: Http2Origin, options: RequestOptions) -> None:
        self.url = shared.url if options else f"http://127.0.0.1:{plain.port}/"
        self.options = options
        self._plain = plain
        self._shared = shared

    def is_asked(self) -> bool:
        """Whether the request has arrived."""
        return bool(self._shared.streams) or any(puppet.path for puppet in self._plain.puppets)

    async def head(self) -> None:
        """Begin a response."""
        if self.options:
            self._shared.streams[-1].head(200, [(b"content-length", b"100")])
        else:
            self._plain.puppets[-1]._say(HEAD)

    async def say(self, data: bytes) -> None:
        """Go on with its body."""
        if self.options:
            stream = self._shared.streams[-1]
            await stream.say(data, end=stream.sent + len(data) == 100)
        else:
            self._plain.puppets[-1]._say(data)

    def break_off(self) -> None:
        """Close the connection."""
        (self._shared.peers if self.options else self._plain.puppets)[-1].close()


Play = Callable[[Server, Client, SteppedLoop], Awaitable[None]]


def played(options: RequestOptions, play: Play) -> None:
    """Play it on a loop whose time stands still."""
    loop = SteppedLoop()

    async def scene() -> None:
        async with (
            puppets() as plain,
            http2_origin(h2.silence) as shared,
            Client(clock=loop.time, resolver=Directory()) as client,
        ):
            await play(Server(plain, shared, options), client, loop)

    loop.run_until_complete(scene())
    loop.close()


both_versions = pytest.mark.parametrize("options", [RequestOptions(), H2], ids=["HTTP/1.1", "HTTP/2"])


async def opened(server: Server, client: Client, **times: float | None) -> StreamedResponse:
    request = client.prepare("GET", server.url, **server.options)
    opening = asyncio.create_task(client.open(request, **times))
    assert await until(server.is_asked)
    await server.head()
    return await opening


@both_versions
def test_a_head_that_does_not_come_is_waited_for_until_the_deadline(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:
        opening = asyncio.create_task(client.open(client.prepare("GET", server.url, **server.options), timeout=3))
        assert await until(server.is_asked)
        loop.moment += 2.9
        await turns(40)
        assert not opening.done()
        loop.moment += 0.2
        with pytest.raises(RequestError, match="wait/timeout"):
            await opening
        assert await until(lambda: client.stats()["connections"]["in_use"] == 0)

    played(options, play)


@both_versions
def test_each_piece_is_waited_for_anew_and_the_whole_for_ever(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:
        response = await opened(server, client, timeout=3)
        pieces = aiter(response)
        for _ in range(5):
            piece = asyncio.ensure_future(anext(pieces))
            await turns(5)
            loop.moment += 2
            await server.say(b"x" * 10)
            assert await piece == b"x" * 10
        piece = asyncio.ensure_future(anext(pieces))
        await turns(5)
        loop.moment += 3.1
        with pytest.raises(RequestError, match="receive/timeout") as caught:
            await piece
        assert caught.value.answer is not None
        assert (caught.value.answer.status, caught.value.answer.bytes) == (200, 50)
        response.cut()
        assert await until(lambda: client.stats()["connections"]["in_use"] == 0)

    played(options, play)


@both_versions
def test_the_time_in_which_nobody_reads_is_nobodys_fault(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:
        response = await opened(server, client, timeout=3, read_timeout=1)
        loop.moment += 100
        await turns(40)
        await server.say(b"x" * 100)
        assert await response.read() == b"x" * 100

    played(options, play)


@both_versions
def test_a_stream_may_be_waited_for_without_a_limit(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:
        response = await opened(server, client, timeout=None)
        reading = asyncio.create_task(response.read())
        for _ in range(5):
            await turns(20)
            loop.moment += 10_000
        await server.say(b"x" * 100)
        assert await reading == b"x" * 100

    played(options, play)


@both_versions
def test_the_rest_that_nobody_wants_is_waited_for_a_second(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:
        response = await opened(server, client)
        closing = asyncio.create_task(response.aclose())
        await turns(20)
        loop.moment += 0.9
        await turns(20)
        assert not closing.done()
        loop.moment += 0.2
        await closing
        assert await until(lambda: at_rest(client, idle=len(options)))  # of HTTP/2, the stream alone is given up

    played(options, play)


@both_versions
def test_a_rest_that_breaks_off_is_not_missed(options: RequestOptions) -> None:
    async def play(server: Server, client: Client, loop: SteppedLoop) -> None:  # noqa: ARG001  # as every play
        response = await opened(server, client)
        closing = asyncio.create_task(response.aclose())
        await turns(20)
        server.break_off()
        await closing
        assert await until(lambda: at_rest(client, idle=0))

    played(options, play)
