"""The hooks of a measured process count what really happens, on real sockets."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from milkrun.client import AddressPolicy, Client, RequestError
from milkrun.client.compare.counting import CountedLookup, CountingLoop, Counts, counted_tls
from milkrun.client.compare.doorstep import doorstep
from milkrun.client.compare.turn import kind_of
from milkrun.client.pool.descriptors import descriptor_limit
from milkrun.client.resolve.resolver import CachingResolver
from milkrun.client.resolve.system import SystemLookup
from tests.support.peers import closed_port

Work = Callable[[], Coroutine[Any, Any, None]]
ELSEWHERE = AddressPolicy(allow=["192.0.2.0/24"])


def counted(work: Work, policy: AddressPolicy | None = None) -> Counts:
    """Run on a counting loop of its own."""
    counts = Counts()
    with asyncio.Runner(loop_factory=partial(CountingLoop, counts, policy)) as runner:
        runner.run(work())
    return counts


def test_names_are_look_ups_and_literal_addresses_are_not() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        for host in ("localhost", b"localhost", "127.0.0.1", b"127.0.0.1", "::1", None):
            await loop.getaddrinfo(host, 80, type=socket.SOCK_STREAM)

    assert counted(work).lookups == 2


def test_each_connection_of_httpx2_is_counted() -> None:
    async def work() -> None:
        async with doorstep() as url, httpx2.AsyncClient() as client:
            for _ in range(3):  # the doorstep closes each
                await client.get(url.replace("127.0.0.1", "localhost"))

    counts = counted(work)
    assert (counts.connections, counts.lookups, counts.failed_connections, len(counts.ports)) == (3, 3, 0, 3)


def test_each_connection_of_milkruns_is_counted_and_the_questions_of_its_own_threads() -> None:
    counts = Counts()

    async def work() -> None:
        resolver = CachingResolver(CountedLookup(SystemLookup(), counts))
        async with doorstep() as url, Client(resolver=resolver) as client:
            for _ in range(3):
                await client.get(url.replace("127.0.0.1", "localhost"))
        await resolver.close()

    assert counted(work).connections == 3
    assert counts.lookups == 1


def test_a_socket_that_is_connected_and_then_handed_over_is_one_connection() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with doorstep() as url:
            port = int(url.rpartition(":")[2].rstrip("/"))
            sock = socket.socket()
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=sock)
            transport.close()

    assert counted(work).connections == 1


def test_what_is_refused_is_a_failure_and_no_connection() -> None:
    async def work() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", closed_port())

    counts = counted(work)
    assert (counts.connections, counts.failed_connections) == (0, 1)


def test_an_address_that_is_not_allowed_is_never_connected_to_by_anybody() -> None:
    heard: list[object] = []

    async def work() -> None:
        server = await asyncio.start_server(lambda *peer: heard.append(peer), "127.0.0.1", 0)
        url = f"http://localhost:{server.sockets[0].getsockname()[1]}/"
        async with server, httpx2.AsyncClient() as theirs, Client(resolver="system") as ours:
            with pytest.raises(httpx2.ConnectError) as caught:
                await theirs.get(url)
            assert kind_of(caught.value) == "ConnectError: EACCES"
            with pytest.raises(RequestError, match="unreachable"):
                await ours.get(url)
            await server.start_serving()

    counts = counted(work, ELSEWHERE)
    assert (heard, counts.connections) == ([], 0)
    assert counts.failed_connections >= 2


def test_a_name_is_not_connected_to_where_addresses_are_judged() -> None:
    async def work() -> None:
        with pytest.raises(ValueError, match="localhost"):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "localhost", 80)

    assert counted(work, ELSEWHERE).connections == 0


def test_the_highest_descriptor_given_is_the_peak() -> None:
    below: list[int] = []
    highest: list[int] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transports = [(await loop.create_connection(asyncio.Protocol, "127.0.0.1", port))[0] for _ in range(5)]
        highest.append(max(each.get_extra_info("socket").fileno() for each in transports))
        below.append(sum(int(each.name) <= highest[0] for each in Path("/proc/self/fd").iterdir()))
        for transport in transports:
            transport.abort()
        server.close()

    counts = counted(work)
    assert counts.descriptors == highest[0] + 1 == below[0]


@pytest.mark.parametrize(("number", "peak"), [(errno.EMFILE, descriptor_limit()), (errno.ECONNREFUSED, 0)])
def test_where_no_descriptor_is_left_the_peak_is_the_limit(number: int, peak: int) -> None:
    counts = Counts()
    counts.failed(OSError(number, os.strerror(number)))
    assert (counts.failed_connections, counts.descriptors) == (1, peak)


def test_contexts_and_clients_sessions_are_counted_only_meanwhile() -> None:
    before, counts = ssl.SSLContext.wrap_bio, Counts()
    with counted_tls(counts):
        context = ssl.create_default_context()
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert (counts.contexts, counts.handshakes) == (2, 1)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert counts.contexts == 2
    assert ssl.SSLContext.wrap_bio is before
