"""Content that is streamed over TLS, again and again on one connection, on both event loops.

With a high-water mark of 0 the loops' TLS pauses a writer who has nothing left to send, and lets go of him with the
next write only: which is the one that he waits to make.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from milkrun.client import Client
from tests.support.authority import Authority
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import HEAD_END, OK

__all__ = ["anyio_backend"]

PIECE = b"x" * 1000
PIECES = 3


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(PIECES):
        yield PIECE


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(HEAD_END):
            if b"chunked" in head:
                await reader.readuntil(b"\r\n0\r\n\r\n")
            else:
                await reader.readexactly(PIECES * len(PIECE))
            writer.write(OK)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@pytest.mark.parametrize("headers", [{}, {"content-length": "3000"}], ids=["chunked", "by length"])
async def test_streamed_content_over_tls_leaves_the_connection_fit_for_more(
    headers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.good())
    async with server, Client(ca_file=authority.ca_file) as client:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for uses in range(4):
            response = await client.post(url, content=pieces(), headers=headers, timeout=2)
            assert response.connection.uses == uses
            assert response.timings.send > 0
