"""A response is the same whichever way it is read: in pieces from its beginning, as a whole one, or begun as a whole
one and cut anywhere. What it says, what is wrong with it, and what becomes of its connection.

The bytes are handed to the connection by hand, so that each piece is what it is and comes in the turn it comes in.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from milkrun.client import Client, PreparedRequest, RequestError, StreamedResponse, Timeouts
from milkrun.client.http1.connection import Connection
from milkrun.client.response_landed import LandedResponse
from tests.support.accounts import balanced
from tests.support.scripted import OK, Peer, Scripted, scripted
from tests.support.turns import turns, until

MAX_HEAD, MAX_BODY = 200, 20
PLAIN = b"HTTP/1.1 200 OK\r\n"
LENGTH = PLAIN + b"Content-Length: 4\r\n\r\n"
CHUNKED = PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

# What is told, and whether the connection ends with it.
KEPT = {
    "length": LENGTH + b"body",
    "empty": PLAIN + b"Content-Length: 0\r\n\r\n",
    "chunks": CHUNKED + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
    "chunks with extensions and trailers": CHUNKED + b"4;a=b\r\nbody\r\n0;c\r\nOne: 1\r\nTwo:  2 \r\n\r\n",
    "interim": HINTS + LENGTH + b"body",
    "several interim": b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS + HINTS + LENGTH + b"body",
    "interim over the limit": HINTS * 6 + LENGTH + b"body",
    "a switch that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\nrest",
    "no content": b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "said to be the last": PLAIN + b"Connection: close\r\nContent-Length: 4\r\n\r\nbody",
    "chunks said to be the last": PLAIN + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    "1.0 to be kept": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody",
    "1.0 with chunks": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "more than the length": LENGTH + b"bodymore",
    "more than the chunks": CHUNKED + b"1\r\na\r\n0\r\n\r\nmore",
    "two at once": (LENGTH + b"body") * 2,
    "two with chunks at once": (CHUNKED + b"1\r\na\r\n0\r\n\r\n") * 2,
    "codings": PLAIN + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
    "idle time": PLAIN + b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi",
    "empty reason": b"HTTP/1.1 599 \r\nContent-Length: 2\r\n\r\nhi",
    "fields in order": b"HTTP/1.1 404 Not \xe9\r\nb: 1\r\nA:  2\xff \r\nB: 3\r\na:\r\nContent-Length: 2\r\n\r\nhi",
    "folded": PLAIN + b"X: one\r\n two\r\nContent-Length: 2\r\n\r\nhi",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    "line feeds mixed": b"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n\r\nhi",
    "stray first line": PLAIN + b" stray\r\nContent-Length: 2\r\n\r\nhi",
    "equal lengths": PLAIN + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "different lengths": PLAIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    "a length that is none": PLAIN + b"Content-Length: two\r\n\r\nhi",
    "a negative length": PLAIN + b"Content-Length: -2\r\n\r\nhi",
    "two framings": PLAIN + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "a chunk that is none": CHUNKED + b"zz\r\nbody\r\n0\r\n\r\n",
    "a chunk too long": CHUNKED + b"2\r\nbody\r\n0\r\n\r\n",
    "an endless chunk": CHUNKED + b"f" * 17 + b"\r\nbody",
    "no HTTP": b"rubbish\r\n\r\n",
    "another HTTP": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "a status of two digits": b"HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nhi",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi",
    "a status that begins with 0": b"HTTP/1.1 020 OK\r\nContent-Length: 2\r\n\r\nhi",
    "empty lines first": b"\r\n\r\n" + LENGTH + b"body",
    "a field without a colon": PLAIN + b"field\r\nContent-Length: 2\r\n\r\nhi",
    "a space before the colon": PLAIN + b"field : x\r\nContent-Length: 2\r\n\r\nhi",
    "a NUL": PLAIN + b"field: \0\r\nContent-Length: 2\r\n\r\nhi",
    "a head at the limit": PLAIN + b"X: " + b"x" * (MAX_HEAD - 45) + b"\r\nContent-Length: 2\r\n\r\nhi",
    "a head over the limit": PLAIN + b"X: " + b"x" * (MAX_HEAD - 44) + b"\r\nContent-Length: 2\r\n\r\nhi",
    "a body at the limit": PLAIN + b"Content-Length: 20\r\n\r\n" + b"x" * MAX_BODY,
    "a body over the limit": PLAIN + b"Content-Length: 21\r\n\r\n" + b"x" * (MAX_BODY + 1),
    "chunks at the limit": CHUNKED + b"a\r\n0123456789\r\n" * 2 + b"0\r\n\r\n",
    "chunks over the limit": CHUNKED + b"a\r\n0123456789\r\n" * 2 + b"1\r\na\r\n0\r\n\r\n",
}
ENDED = {
    "nothing": b"",
    "half a head": PLAIN,
    "half a body": LENGTH + b"bo",
    "half a chunk": CHUNKED + b"4\r\nbo",
    "no last chunk": CHUNKED + b"4\r\nbody\r\n",
    "half a trailer": CHUNKED + b"0\r\nX: ",
    "an interim response": HINTS,
    "until the end": PLAIN + b"\r\nbody",
    "nothing until the end": PLAIN + b"\r\n",
    "over the limit until the end": PLAIN + b"\r\n" + b"x" * (MAX_BODY + 1),
    "1.0 until the end": b"HTTP/1.0 200 OK\r\n\r\nbody",
    "another coding until the end": PLAIN + b"Transfer-Encoding: gzip\r\n\r\nbody",
    "chunks and another coding until the end": PLAIN + b"Transfer-Encoding: chunked, gzip\r\n\r\nbody",
    "whole": LENGTH + b"body",
}
BODILESS = {
    "length": PLAIN + b"Content-Length: 4\r\n\r\n",
    "chunks": CHUNKED,
    "neither": PLAIN + b"\r\n",
    "a body all the same": LENGTH + b"body",
    "interim": HINTS + LENGTH,
    "said to be the last": PLAIN + b"Connection: close\r\n\r\n",
    "folded": PLAIN + b"X: one\r\n two\r\nContent-Length: 2\r\n\r\n",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
}
# What has no end of its own is limited while it comes; what is all there at once is read, for that has one.
ENDLESS = {
    "trailers over the limit": CHUNKED + b"4\r\nbody\r\n0\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n",
    "more framing than body": CHUNKED + b"4;" + b"x" * (2 * MAX_HEAD) + b"\r\nbody\r\n0\r\n\r\n",
}
CASES = [
    *(pytest.param("POST", text, False, id=name) for name, text in KEPT.items()),
    *(pytest.param("POST", text, True, id=f"{name}, and the end") for name, text in ENDED.items()),
    *(pytest.param("HEAD", text, False, id=f"HEAD, {name}") for name, text in BODILESS.items()),
]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a response: `further` are its trailers and interim responses, None where it was not to have any."""

    failure: tuple[str, str] | None = None
    head: bytes = b""
    body: bytes = b""
    warnings: tuple[str, ...] = ()
    further: Any = None
    kept: int
    idle: float | None = None

    def agrees(self, other: "Told") -> bool:
        """Whether both say the same, as far as both may."""
        if self.further is None or other.further is None:
            return msgspec.structs.replace(self, further=None) == msgspec.structs.replace(other, further=None)
        return self == other


class Room:
    """A client, and an origin that answers only what warms a connection."""

    def __init__(self, client: Client, origin: Scripted) -> None:
        self.client = client
        self.origin = origin

    async def told(self, opening: Coroutine[Any, Any, Any], *pieces: bytes, ends: bool, pause: int) -> Told:
        """What comes of a response in these pieces."""
        asking = asyncio.create_task(_read(opening))
        assert await until(lambda: any(_is_asked(connection) for connection in self._live()))
        (connection,) = self._live()
        for piece in pieces:
            await turns(pause)
            if piece and connection.ended is None:
                connection._transport.get_protocol().data_received(piece)  # type: ignore[attr-defined]
        await turns(pause)
        if ends and connection.ended is None:
            connection._transport.get_protocol().eof_received()  # type: ignore[attr-defined]
        assert await until(asking.done, count=1000)
        assert await until(lambda: connection.lost or connection.is_idle)
        assert balanced(self.client)
        assert self.client._pool.total.used == 0
        idle = connection.patience if connection.is_idle else None
        return msgspec.structs.replace(asking.result(), kept=self.client.stats()["connections"]["idle"], idle=idle)

    def request(self, method: str) -> PreparedRequest:
        return self.client.prepare(method, self.origin.url, max_body=MAX_BODY)

    async def warm(self) -> None:
        """There is a warm connection from now on."""
        if not self._live():
            await self.client.get(f"{self.origin.url}warm")

    def _live(self) -> list[Connection]:
        found = [connection for connection in self.client._pool._connections if connection.ended is None]
        return [connection for connection in found if isinstance(connection, Connection)]


def _is_asked(connection: Connection) -> bool:
    return connection.answer is not None or connection._lent is not None


async def _read(opening: Coroutine[Any, Any, StreamedResponse | LandedResponse]) -> Told:
    try:
        response = await opening
        body = b"".join([piece async for piece in response.raw()])
    except RequestError as err:
        return Told(failure=(err.layer, err.kind), warnings=err.warnings, kept=0)
    await response.discard()
    further = None if isinstance(response, LandedResponse) else (response.trailers.raw, *map(repr, response.interim))
    return Told(head=response.received.head, body=body, warnings=response.warnings, further=further, kept=0)


async def _warming(peer: Peer) -> None:
    if b" /warm " in await peer.request():
        await peer.say(OK)
    await peer.gone()


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    async with scripted(_warming) as origin, Client(max_head=MAX_HEAD) as client:
        yield Room(client, origin)


@pytest.mark.parametrize(("method", "text", "ends"), CASES)
async def test_a_response_is_the_same_whole_or_in_pieces_wherever_it_is_cut(
    method: str, text: bytes, ends: bool
) -> None:
    async with room() as cold:
        opening = cold.client.open(cold.request(method), timeout=Timeouts())
        expected = await cold.told(opening, text, ends=ends, pause=3)
    async with room() as warm:
        request = warm.request(method)
        for cut in range(len(text) + 1):
            for pause in (0, 3):  # both pieces in one turn of the loop, or each in one of its own
                await warm.warm()
                told = await warm.told(
                    warm.client.begin(request, timeout=Timeouts()), text[:cut], text[cut:], ends=ends, pause=pause
                )
                assert told.agrees(expected), f"cut at {cut} with {pause} turns between: {told} {expected}"


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
async def test_what_might_be_endless_is_refused_in_pieces_and_read_where_it_is_there_whole(text: bytes) -> None:
    async with room() as warm:
        request = warm.request("POST")
        for pieces, failed in (((text,), False), ((text[:-1], text[-1:]), True), ((text[:80], text[80:]), True)):
            await warm.warm()
            told = await warm.told(warm.client.begin(request, timeout=Timeouts()), *pieces, ends=False, pause=3)
            assert (told.failure is not None, told.body, told.kept) == (
                (True, b"", 0) if failed else (False, b"body", 1)
            )
