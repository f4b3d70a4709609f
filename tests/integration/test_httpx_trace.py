"""The trace extension: httpcore's names in httpcore's order, told while it happens; and callbacks that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from milkrun.client import Limits, RequestError
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.http2_origin import http2_origin
from tests.support.httpx_faces import face, talking
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import closed_port
from tests.support.scripted import OK, Peer, answers, once, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend", "face"]

CONNECTED = ["connection.resolve_host", "connection.connect_tcp"]
EXCHANGED = ["send_request_headers", "send_request_body", "receive_response_headers", "receive_response_body"]
HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nbegun"


class Traced:
    """A callback that keeps what it is told, each a little later than it could."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.details: dict[str, dict[str, Any]] = {}

    async def __call__(self, name: str, details: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        self.names.append(name)
        self.details[name] = details

    @property
    def extension(self) -> dict[str, Any]:
        return {"trace": self}

    def steps(self) -> list[str]:
        """The steps, each with a mark of how it ended; they have to come one after the other, in pairs."""
        pairs = list(zip(self.names[::2], self.names[1::2], strict=True))
        assert all(begun.endswith(".started") for begun, _ in pairs)
        assert all(begun.rpartition(".")[0] == ended.rpartition(".")[0] for begun, ended in pairs)
        ends = [ended.rpartition(".") for _, ended in pairs]
        return [step if end == "complete" else f"{step}!" for step, _, end in ends]


def spoken(prefix: str, *steps: str) -> list[str]:
    return [f"{prefix}.{step}" for step in (*steps, "response_closed")]


async def test_a_request_is_told_as_httpcore_tells_it(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        for opening in (CONNECTED, []):
            traced = Traced()
            await http.get(origin.url, extensions=traced.extension)
            assert traced.steps() == opening + spoken("http11", *EXCHANGED)
        details = traced.details["http11.receive_response_headers.complete"]
        assert details == {"return_value": (b"HTTP/1.1", 200, b"OK", [(b"Content-Length", b"2")])}
        assert traced.details["http11.send_request_headers.started"]["request"].url == origin.url


async def test_the_same_names_are_told_by_httpx2_on_its_own() -> None:
    ours, theirs = Traced(), Traced()
    async with scripted(answers(OK)) as origin, talking(httpx2) as (http, _), httpx2.AsyncClient() as own:
        for _ in range(2):
            await http.get(origin.url, extensions=ours.extension)
            await own.get(origin.url, extensions=theirs.extension)
    assert [name for name in ours.names if not name.startswith("connection.resolve_host")] == theirs.names


async def test_over_http2_the_steps_are_http2s_and_tls_is_one_of_them(face: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        http2_origin(lambda stream: stream.respond(200, b"hi"), context=authority.good()) as origin,
        talking(face, ca_file=authority.ca_file, resolver=Directory()) as (http, _),
    ):
        for opening in ([*CONNECTED, "connection.start_tls", "http2.send_connection_init"], []):
            traced = Traced()
            await http.get(origin.url, extensions=traced.extension)
            assert traced.steps() == opening + spoken("http2", *EXCHANGED)
        assert traced.details["http2.receive_response_headers.complete"] == {"return_value": (200, [])}


async def test_the_details_of_opening_say_where_to_and_how_long_it_may_take(face: Any, tmp_path: Path) -> None:
    authority, traced = Authority(tmp_path), Traced()
    async with (
        http2_origin(lambda stream: stream.respond(200), context=authority.good("named.test")) as origin,
        talking(face, ca_file=authority.ca_file, resolver=Directory(), local_address="127.0.0.9") as (http, _),
    ):
        extensions = traced.extension | {"sni_hostname": "named.test"}
        await http.get(origin.url, extensions=extensions, timeout=face.Timeout(9, connect=5))
        place = {"host": "localhost", "port": httpx2.URL(origin.url).port, "timeout": 5}
        assert traced.details["connection.resolve_host.started"] == place
        assert traced.details["connection.connect_tcp.started"] == place | {"local_address": "127.0.0.9"}
        assert traced.details["connection.start_tls.started"] == {"server_hostname": "named.test", "timeout": 5}


async def test_a_unix_socket_has_a_step_of_its_own(face: Any, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        writer.close()

    traced, path = Traced(), str(tmp_path / "socket")
    server = await asyncio.start_unix_server(serve, path)
    async with talking(face, unix_socket=path) as (http, _):
        await http.get("http://anything/", extensions=traced.extension)
    server.close()
    assert traced.steps()[0] == "connection.connect_unix_socket"


async def test_the_wait_for_a_place_is_a_step_of_the_pools(face: Any) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await go_on.wait()
            await peer.say(OK)

    go_on, traced = asyncio.Event(), Traced()
    async with scripted(script) as origin, talking(face, limits=Limits(total=1)) as (http, _):
        first = asyncio.create_task(http.get(origin.url))
        assert await until(lambda: bool(origin.peers and origin.peers[0].heard))
        second = asyncio.create_task(http.get(origin.url, extensions=traced.extension))
        assert await until(lambda: traced.names == ["pool.wait_for_connection.started"])
        go_on.set()
        await asyncio.gather(first, second)
        assert traced.steps()[0] == "pool.wait_for_connection"


async def test_steps_are_told_while_they_happen(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        assert await until(lambda: traced.names[-1:] == ["http11.receive_response_headers.started"])
        await peer.say(OK[:-1])
        assert await until(lambda: traced.names[-1:] == ["http11.receive_response_body.started"])
        await peer.say(OK[-1:])

    traced = Traced()
    async with scripted(script) as origin, talking(face) as (http, _):
        assert (await http.get(origin.url, extensions=traced.extension)).content == b"hi"


async def test_all_is_told_before_a_response_is_there_and_before_it_is_closed(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        traced = Traced()
        async with http.stream("GET", origin.url, extensions=traced.extension):
            assert traced.names[-1] == "http11.receive_response_headers.complete"
        assert traced.names[-1] == "http11.response_closed.complete"
        assert traced.steps() == CONNECTED + spoken("http11", *EXCHANGED[:3])


async def test_an_early_answer_ends_the_sending_and_has_a_head_like_any(face: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"more"

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    traced = Traced()
    async with scripted(script) as origin, talking(face) as (http, _):
        response = await http.post(origin.url, content=endless(), extensions=traced.extension)
        assert response.status_code == 413
        assert traced.steps() == CONNECTED + spoken("http11", *EXCHANGED)


async def test_a_failed_step_says_what_failed_it(face: Any) -> None:
    traced = Traced()
    async with talking(face) as (http, _):
        with pytest.raises(face.ConnectError):
            await http.get(f"http://127.0.0.1:{closed_port()}/", extensions=traced.extension)
    assert traced.steps() == [CONNECTED[0], f"{CONNECTED[1]}!"]
    assert isinstance(traced.details["connection.connect_tcp.failed"]["exception"], RequestError)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (b"", [*EXCHANGED[:2], "receive_response_headers!"]),
        (b"nonsense\r\n\r\n", [*EXCHANGED[:2], "receive_response_headers!"]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", [*EXCHANGED[:3], "receive_response_body!"]),
    ],
)
async def test_a_failed_exchange_is_closed_as_any(face: Any, text: bytes, steps: list[str]) -> None:
    traced = Traced()
    async with scripted(once(text)) as origin, talking(face) as (http, _):
        with pytest.raises(face.RemoteProtocolError):
            await http.get(origin.url, extensions=traced.extension)
    assert traced.steps() == CONNECTED + spoken("http11", *steps)


async def test_a_second_try_on_another_connection_is_told_from_its_beginning(face: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()

    traced = Traced()
    async with scripted(script) as origin, talking(face) as (http, _):
        await http.get(origin.url)
        await http.get(origin.url, extensions=traced.extension)
        failed = spoken("http11", *EXCHANGED[:2], "receive_response_headers!")
        assert traced.steps() == failed + CONNECTED + spoken("http11", *EXCHANGED)


async def test_a_cancelled_request_is_told_to_its_end(face: Any) -> None:
    traced = Traced()
    async with scripted(silence) as origin, talking(face) as (http, client):
        asking = asyncio.create_task(http.get(origin.url, extensions=traced.extension))
        assert await until(lambda: traced.names[-1:] == ["http11.receive_response_headers.started"])
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert traced.steps() == CONNECTED + spoken("http11", *EXCHANGED[:2], "receive_response_headers!")
        assert await until(lambda: at_rest(client, idle=0))


NAMES = [
    "connection.resolve_host.started",
    "connection.connect_tcp.complete",
    "http11.send_request_headers.started",
    "http11.receive_response_headers.started",
    "http11.receive_response_headers.complete",
    "http11.receive_response_body.started",
    "http11.receive_response_body.complete",
    "http11.response_closed.started",
    "http11.response_closed.complete",
]


@pytest.mark.parametrize("bad", NAMES)
@pytest.mark.parametrize("text", [OK, HUGE])
async def test_what_a_callback_raises_ends_the_request_and_leaves_nothing_open(
    face: Any, bad: str, text: bytes
) -> None:
    told: list[str] = []

    async def callback(name: str, _: dict[str, Any]) -> None:
        told.append(name)
        if name == bad:
            raise LookupError(name)

    async def ask() -> None:
        async with http.stream("GET", origin.url, extensions={"trace": callback}) as response:
            async for _ in response.aiter_raw():
                if text is HUGE:
                    break
        if bad not in told:  # a body that is left is not told to be complete
            raise LookupError(bad)

    async with scripted(answers(text)) as origin, talking(face) as (http, client):
        with pytest.raises(LookupError, match=bad):
            await ask()
        assert bad not in told[:-1]
        assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1))
        assert client._pool.total.used == 0
        await turns(20)  # for the origin to accept what was given up meanwhile


async def test_an_ordinary_function_is_no_callback_and_is_told_so_once(face: Any) -> None:
    told = []
    async with scripted(answers(OK)) as origin, talking(face) as (http, client):
        extensions = {"trace": lambda name, _: told.append(name)}
        with pytest.raises(TypeError, match="expected an asynchronous one"):
            await http.get(origin.url, extensions=extensions)
        assert told == ["connection.resolve_host.started"]
        assert await until(lambda: at_rest(client, idle=0))
        await turns(20)


@pytest.mark.parametrize("count", range(0, 60, 6))
async def test_cancelled_while_its_callback_hangs_a_request_ends_with_the_callback(face: Any, count: int) -> None:
    async def callback(_: str, __: dict[str, Any]) -> None:
        await turns(5)

    async with scripted(answers(OK)) as origin, talking(face) as (http, client):
        asking = asyncio.create_task(http.get(origin.url, extensions={"trace": callback}))
        await turns(count)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await until(lambda: at_rest(client, idle=0) or at_rest(client, idle=1))
        assert client._pool.total.used == 0
        await turns(20)


@pytest.mark.parametrize(
    "hanging",
    ["connection.resolve_host.started", "http11.receive_response_headers.started", "receive_response_headers.complete"],
)
async def test_a_callback_that_never_ends_does_not_outlive_a_cancellation(face: Any, hanging: str) -> None:
    async def callback(name: str, _: dict[str, Any]) -> None:
        if name.endswith(hanging):
            hangs.set()
            await asyncio.Event().wait()

    hangs = asyncio.Event()
    async with scripted(answers(HUGE)) as origin, talking(face) as (http, client):
        request = http.build_request("GET", origin.url, extensions={"trace": callback})
        asking = asyncio.create_task(http.send(request, stream=True))
        await hangs.wait()
        await turns(20)
        asking.cancel()
        assert await until(asking.done, count=200)
        assert asking.cancelled()
        assert await until(lambda: at_rest(client, idle=0))
        assert client._pool.total.used == 0
        await turns(20)
