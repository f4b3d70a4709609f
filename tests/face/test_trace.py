"""The trace extension: httpcore's names, in httpcore's order, with what httpcore hands along."""

import asyncio
from typing import Any

import pytest

from tests.face.cells import Wire, everywhere, on, on_ours
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.peers import closed_port
from tests.support.scripted import once, scripted

OPENING = {
    Wire.PLAIN: ["connection.connect_tcp"],
    Wire.TLS: ["connection.connect_tcp", "connection.start_tls"],
    Wire.HTTP2: ["connection.connect_tcp", "connection.start_tls", "http2.send_connection_init"],
}
EXCHANGE = [
    "send_request_headers",
    "send_request_body",
    "receive_response_headers",
    "receive_response_body",
    "response_closed",
]
OURS = {"pool.wait_for_connection", "connection.resolve_host"}


class Listener:
    """Gather what the extension is told; `events` are names and what came along."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, name: str, info: dict[str, Any]) -> None:
        if name.rpartition(".")[0] not in OURS | {"http2.receive_remote_settings"}:  # which may come at any moment
            self.events.append((name, info))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def info(self, name: str) -> dict[str, Any]:
        (info,) = (info for told, info in self.events if told == name)
        return info


def both(wire: Wire, *steps: str) -> list[str]:
    """The two events of each step, one after the other."""
    prefix = "http2." if wire is Wire.HTTP2 else "http11."
    named = [step if "." in step else prefix + step for step in steps]
    return [f"{step}.{end}" for step in named for end in ("started", "complete")]


@everywhere()
async def test_a_first_request_opens_a_connection_and_a_second_does_not(visit: Visit) -> None:
    cold, warm = Listener(), Listener()
    await visit.client.get("/echo", extensions={"trace": cold})
    await visit.client.get("/echo", extensions={"trace": warm})
    assert cold.names == both(visit.wire, *OPENING[visit.wire], *EXCHANGE)
    assert warm.names == both(visit.wire, *EXCHANGE)


@everywhere()
async def test_an_upload_and_a_stream_have_the_same_events(visit: Visit) -> None:
    await visit.client.get("/echo")
    listener = Listener()
    extensions = {"trace": listener}
    async with visit.client.stream("POST", "/echo", content=b"m" * 100_000, extensions=extensions) as response:
        assert listener.names == both(visit.wire, *EXCHANGE[:3])
        await response.aread()
    assert listener.names == both(visit.wire, *EXCHANGE)


@everywhere()
async def test_the_head_of_the_response_comes_along(visit: Visit) -> None:
    listener = Listener()
    response = await visit.client.get("/echo", extensions={"trace": listener})
    prefix = "http2" if visit.wire is Wire.HTTP2 else "http11"
    told = listener.info(f"{prefix}.receive_response_headers.complete")["return_value"]
    if visit.wire is Wire.HTTP2:
        assert told == (200, response.headers.raw)
    else:
        assert told == (b"HTTP/1.1", 200, response.extensions["reason_phrase"], response.headers.raw)


@on(Wire.PLAIN)
async def test_what_is_connected_to_comes_along(visit: Visit) -> None:
    listener = Listener()
    await visit.client.get("/echo", extensions={"trace": listener})
    info = listener.info("connection.connect_tcp.started")
    assert (info["host"], info["port"]) == ("127.0.0.1", visit.port)


@on(Wire.PLAIN)
async def test_a_connection_that_fails_is_told_with_its_error(visit: Visit) -> None:
    listener = Listener()
    url = f"http://127.0.0.1:{closed_port()}/"
    with pytest.raises(visit.api.ConnectError):
        await visit.client.get(url, extensions={"trace": listener})
    assert listener.names == ["connection.connect_tcp.started", "connection.connect_tcp.failed"]
    assert isinstance(listener.events[-1][1]["exception"], Exception)


@on(Wire.PLAIN)
async def test_an_answer_that_does_not_come_is_told_with_its_error(visit: Visit) -> None:
    listener = Listener()
    async with scripted(once(b"")) as serving:
        with pytest.raises(visit.api.RemoteProtocolError):
            await visit.client.post(serving.url, extensions={"trace": listener})
    assert listener.names[-4:] == [
        "http11.receive_response_headers.started",
        "http11.receive_response_headers.failed",
        "http11.response_closed.started",
        "http11.response_closed.complete",
    ]
    assert isinstance(listener.info("http11.receive_response_headers.failed")["exception"], Exception)


@on(Wire.PLAIN)
async def test_a_body_that_breaks_off_is_told_with_its_error(visit: Visit) -> None:
    listener = Listener()
    async with scripted(once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as serving:
        with pytest.raises(visit.api.RemoteProtocolError):
            await visit.client.get(serving.url, extensions={"trace": listener})
    assert "http11.receive_response_body.failed" in listener.names
    assert listener.names[-2:] == both(Wire.PLAIN, "response_closed")


@everywhere()
async def test_a_body_that_is_not_read_is_closed_and_no_more(visit: Visit) -> None:
    listener = Listener()
    async with visit.client.stream("GET", "/stalled", extensions={"trace": listener}):
        pass
    assert listener.names[-2:] == both(visit.wire, "response_closed")
    assert not [name for name in listener.names if "receive_response_body" in name]


@everywhere()
async def test_what_the_listener_raises_ends_the_call(visit: Visit) -> None:
    async def spill(name: str, _: dict[str, Any]) -> None:
        if name.endswith("send_request_headers.started"):
            raise ZeroDivisionError("spilt")

    client = visit.made(connections=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="spilt"):
            await client.get("/echo", extensions={"trace": spill})
    assert heard(await client.get("/echo")).method == "GET"


@everywhere()
async def test_a_listener_has_to_be_asynchronous(visit: Visit) -> None:
    with pytest.raises(TypeError, match="async"):
        await visit.client.get("/echo", extensions={"trace": lambda *_: None})


@on_ours()
async def test_ours_tells_of_resolving_too(visit: Visit) -> None:
    names: list[str] = []

    async def listen(name: str, _: dict[str, Any]) -> None:
        names.append(name)

    door = visit.door.replace("127.0.0.1", "localhost")
    await visit.client.get(f"{door}/echo", extensions={"trace": listen})
    assert names[:2] == both(visit.wire, "connection.resolve_host")


@on_ours()
async def test_ours_tells_of_the_wait_for_the_pool_too(visit: Visit) -> None:
    waiting = asyncio.Event()
    names: list[str] = []

    async def listen(name: str, _: dict[str, Any]) -> None:
        names.append(name)
        waiting.set()

    client = visit.made(connections=1)
    async with client.stream("GET", "/stalled"):
        asking = asyncio.create_task(client.get("/echo", extensions={"trace": listen}))
        await waiting.wait()
        assert names == ["pool.wait_for_connection.started"]
    await asking
    assert names[:2] == both(visit.wire, "pool.wait_for_connection")
