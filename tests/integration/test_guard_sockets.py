"""The guard counts connections by origin, each once, whoever opens them and on whichever loop."""

import asyncio
import inspect
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohappyeyeballs
import aiohttp
import aiohttp.abc
import anyio
import anyio.to_thread
import httpx2
import pytest
import uvloop

from milkrun.client import Client, RequestError, guard
from milkrun.client.dial.reach import Reach
from milkrun.client.guard.watch import Watch
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import closed_port
from tests.support.scripted import OK, Scripted, answers, scripted

__all__ = ["anyio_backend"]

HERE = Path(__file__).name


@pytest.fixture
async def origin() -> AsyncIterator[Scripted]:
    async with scripted(answers(OK)) as server:
        yield server


@pytest.fixture
def watch() -> Iterator[Watch]:
    with guard.watching() as watch:
        yield watch


def opened(watch: Watch) -> dict[str, int]:
    return {origin.origin: origin.opened for origin in watch.report().origins}


async def by_asyncio(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()


async def by_asyncio_with_words(host: str, port: int) -> None:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host=host, port=port)
    transport.abort()
    await asyncio.sleep(0)


async def by_anyio(host: str, port: int) -> None:
    await (await anyio.connect_tcp(host, port)).aclose()


async def by_httpx2(host: str, port: int) -> None:
    async with httpx2.AsyncClient(verify=False) as client:
        await client.get(f"http://{host}:{port}/")
        await client.get(f"http://{host}:{port}/")


async def by_milkrun(host: str, port: int) -> None:
    async with Client() as client:
        await client.get(f"http://{host}:{port}/")
        await client.get(f"http://{host}:{port}/")


async def by_httpx2_in_a_thread(host: str, port: int) -> None:
    def ask() -> None:
        with httpx2.Client(verify=False) as client:
            client.get(f"http://{host}:{port}/")

    await anyio.to_thread.run_sync(ask)


async def by_a_socket_of_the_loop(host: str, port: int) -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))


async def by_aiohttp(host: str, port: int) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/") as response:
        await response.read()


@pytest.mark.parametrize(
    "way", [by_asyncio, by_asyncio_with_words, by_anyio, by_httpx2, by_milkrun, by_httpx2_in_a_thread]
)
async def test_a_connection_counts_once_by_the_name_it_was_asked_for(
    way: Callable[[str, int], Awaitable[None]], origin: Scripted, watch: Watch
) -> None:
    await way("localhost", origin.port)
    assert opened(watch) == {f"localhost:{origin.port}": 1}
    assert HERE in watch.report().origins[0].site


@pytest.mark.parametrize("way", [by_a_socket_of_the_loop, by_aiohttp])
async def test_a_connection_whose_name_its_caller_resolved_counts_by_its_address(
    way: Callable[[str, int], Awaitable[None]], origin: Scripted, watch: Watch
) -> None:
    await way("127.0.0.1", origin.port)
    assert opened(watch) == {f"127.0.0.1:{origin.port}": 1}


async def test_attempts_at_several_addresses_are_one_connection(origin: Scripted, watch: Watch) -> None:
    async with Client(resolve={"two.test": ["127.0.0.3", "127.0.0.1"]}) as client:
        await client.get(f"http://two.test:{origin.port}/")
    assert opened(watch) == {f"two.test:{origin.port}": 1}


class TwoAddresses(aiohttp.abc.AbstractResolver):
    """Of which nobody listens at the first."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        family = family or socket.AF_INET
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in ("127.0.0.3", "127.0.0.1")
        ]

    async def close(self) -> None:
        """There is nothing to close."""


async def test_attempts_of_aiohttp_are_one_connection_of_the_line_that_asked(origin: Scripted, watch: Watch) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=TwoAddresses())) as session,
        session.get(f"http://two.test:{origin.port}/") as response,
    ):
        await response.read()
    assert opened(watch) == {f"127.0.0.3:{origin.port}": 1}
    assert HERE in watch.report().origins[0].site


@pytest.mark.parametrize("infos", [[], [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/nowhere")]])
async def test_where_no_address_of_the_internet_is_given_nothing_counts(infos: Any, watch: Watch) -> None:
    with pytest.raises((OSError, ValueError, IndexError)):
        await aiohappyeyeballs.start_connection(infos)
    assert opened(watch) == {}


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_plain_socket_counts_when_it_begins_to_connect(family: int, watch: Watch) -> None:
    host, port = "127.0.0.1" if family == socket.AF_INET else "::1", closed_port()
    with socket.socket(family) as sock:
        assert sock.connect_ex((host, port)) != 0
    shown = host if family == socket.AF_INET else "[::1]"
    assert opened(watch) == {f"{shown}:{port}": 1}


def test_what_is_no_tcp_connection_does_not_count(tmp_path: Path, watch: Watch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.connect(("127.0.0.1", 9))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sock:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        sock.connect(str(tmp_path / "socket"))
    assert opened(watch) == {}


async def test_a_unix_socket_of_our_client_does_not_count(tmp_path: Path, watch: Watch) -> None:
    async with Client(unix_socket=str(tmp_path / "none")) as client:
        with pytest.raises(RequestError):
            await client.get("http://localhost/")
    assert opened(watch) == {}


async def test_a_connection_on_a_socket_that_is_connected_does_not_count_again(origin: Scripted, watch: Watch) -> None:
    sock = socket.create_connection(("localhost", origin.port))
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=sock)
    transport.abort()
    await asyncio.sleep(0)
    assert opened(watch) == {f"localhost:{origin.port}": 1}


async def test_a_name_that_is_not_found_is_no_connection(watch: Watch) -> None:
    async with Client(resolve={"other.test": ["127.0.0.1"]}, nameservers=["127.0.0.1:9"]) as client:
        with pytest.raises(RequestError):
            await client.get("http://nowhere.test/", timeout=0.01)
    assert opened(watch) == {}


@pytest.mark.parametrize("address", [(), ("127.0.0.1",), None, "127.0.0.1:80"])
def test_an_address_that_is_none_fails_as_before(address: object, watch: Watch) -> None:
    with socket.socket() as sock, pytest.raises((TypeError, OSError)):
        sock.connect(address)  # type: ignore[arg-type]  # the mistake to be made
    assert opened(watch) == {}


async def test_what_is_opened_later_by_what_a_connection_started_counts_for_itself(
    origin: Scripted, watch: Watch
) -> None:
    later: list[asyncio.Task[None]] = []

    class Starting(asyncio.Protocol):
        def connection_made(self, _: asyncio.BaseTransport) -> None:
            later.append(asyncio.get_running_loop().create_task(by_a_socket_of_the_loop("127.0.0.1", origin.port)))

    transport, _ = await asyncio.get_running_loop().create_connection(Starting, "localhost", origin.port)
    await asyncio.gather(*later)
    transport.abort()
    await asyncio.sleep(0)
    assert opened(watch) == {f"localhost:{origin.port}": 1, f"127.0.0.1:{origin.port}": 1}


async def test_a_connection_that_its_protocol_closes_at_once_counts_and_fails_nobody(
    origin: Scripted, watch: Watch
) -> None:
    class Closing(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    transport, _ = await asyncio.get_running_loop().create_connection(Closing, "localhost", origin.port)
    assert transport.is_closing()
    await asyncio.sleep(0)
    assert opened(watch) == {f"localhost:{origin.port}": 1}


async def test_an_origin_to_which_connection_after_connection_is_opened_is_warned_of_once(origin: Scripted) -> None:
    with warnings.catch_warnings(record=True) as caught, guard.watching(guard.Limits(sockets=3)) as watch:
        warnings.simplefilter("always")
        for _ in range(9):
            await by_asyncio("localhost", origin.port)
    (warning,) = caught
    assert warning.category is guard.SocketChurnWarning
    assert warning.filename == __file__
    said = str(warning.message)
    assert said.startswith(f"4 connections were opened to localhost:{origin.port} within 10 s, the last one at ")
    assert " in by_asyncio\n    _, writer = await asyncio.open_connection(host, port)\n" in said
    assert "TIME_WAIT" in said
    (known,) = watch.report().origins
    assert (known.opened, known.churned) == (9, True)


def test_of_many_origins_only_some_are_remembered() -> None:
    with guard.watching(guard.Limits(remembered=10)) as watch:
        for _ in range(30):
            with socket.socket() as sock:
                sock.connect_ex(("127.0.0.1", closed_port()))
    assert 5 <= len(watch.report().origins) <= 10


def test_unwatched_everything_that_connects_is_as_it_was() -> None:
    owners = (socket.socket, socket, asyncio.BaseEventLoop, uvloop.Loop, anyio, Reach, aiohappyeyeballs)
    before = [dict(vars(owner)) for owner in owners]
    with guard.watching():
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before


@pytest.mark.parametrize(
    "function",
    [
        lambda: asyncio.BaseEventLoop.create_connection,
        lambda: uvloop.Loop.create_connection,
        lambda: socket.create_connection,
        lambda: anyio.connect_tcp,
    ],
)
def test_signatures_stay_as_they_are(function: Callable[[], Callable[..., object]]) -> None:
    before = inspect.signature(function())
    with guard.watching():
        assert inspect.signature(function()) == before


async def test_a_call_kept_from_a_watch_that_is_over_works_and_counts_nothing(origin: Scripted) -> None:
    with guard.watching() as watch:
        connect, make = asyncio.get_running_loop().create_connection, socket.create_connection
        method = socket.socket.connect
    transport, _ = await connect(asyncio.Protocol, "localhost", origin.port)
    transport.abort()
    make(("localhost", origin.port)).close()
    with socket.socket() as sock:
        method(sock, ("127.0.0.1", origin.port))
    await asyncio.sleep(0)
    assert opened(watch) == {}
