"""What becomes of a connection after a request that did not fit the socket's buffer, on both event loops."""

import asyncio
from pathlib import Path

import pytest

from milkrun.client import Client
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, scripted

__all__ = ["anyio_backend"]

REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
LIMIT = 10.0  # seconds: a client that waits for that server to close would wait for ever


async def test_a_server_that_answers_early_and_then_neither_reads_nor_closes_holds_no_descriptor() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(REFUSAL)
        await asyncio.Event().wait()

    async with asyncio.timeout(LIMIT), scripted(script) as server, Client() as client:
        assert (await client.post(server.url, content=b"x" * 20_000_000)).status == 413
        while not at_rest(client, idle=0):
            await asyncio.sleep(0.05)


async def test_a_large_request_that_is_answered_early_is_not_sent_on_over_tls_either(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        await gone.wait()
        writer.transport.abort()

    authority, gone = Authority(tmp_path), asyncio.Event()
    server = await asyncio.start_server(refuse, "127.0.0.1", 0, ssl=authority.good())
    async with asyncio.timeout(LIMIT), server, Client(ca_file=authority.ca_file) as client:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            response = await client.post(url, content=b"x" * 20_000_000)
            assert (response.status, response.connection.reused) == (413, False)
        while not at_rest(client, idle=0):
            await asyncio.sleep(0.05)
        gone.set()


@pytest.mark.parametrize("size", [70_000, 1_000_000, 8_000_000])
async def test_a_connection_over_tls_is_warm_after_a_large_upload(tmp_path: Path, size: int) -> None:
    authority = Authority(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(size)
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.good())
    async with server, Client(ca_file=authority.ca_file) as client:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for uses in range(4):
            response = await client.post(url, content=b"x" * size)
            assert response.connection.uses == uses
            assert response.timings.send > 0
            assert response.timings.wait > 0
