"""The server on its own thread, and its streams, over real sockets."""

import asyncio
import json
import socket
import threading

import anyio
import httpx2
import pytest

from milkrun.config.settings import WebSettings
from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.web import api_stream, fragments, live, sse
from milkrun.web.server import WebServer
from tests.support.access import EVERYWHERE
from tests.support.browsing import STOP_WITHIN, browsing, served
from tests.support.scene import Scene, result

WITHIN = 20


class Reader:
    """A stream's messages, as a client sees them."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()

    async def message(self) -> dict[str, str]:
        """The next message or comment, by field; {} at the end of the stream."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(":")
            if line:
                fields[name] = fields[name] + value.strip() if name in fields else value.strip()
        return fields


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look a hundred times as often."""
    monkeypatch.setattr(live, "TICK", 0.01)
    monkeypatch.setattr(live, "SLOW_TICK", 0.01)


def a_down(scene: Scene) -> EndpointState:
    return EndpointState(state=Outcome.DOWN, settled=Outcome.DOWN, since=scene.now)


async def test_head_of_a_stream_ends_at_once_and_leaves_no_stream_open() -> None:
    with served(Scene()) as server, anyio.fail_after(WITHIN):
        async with httpx2.AsyncClient() as client:
            head = await client.head(f"{server.url}api/v1/stream")
            again = await client.head(f"{server.url}healthz")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert again.status_code == 200


async def test_the_stream_carries_results_and_changes_of_one_endpoint_only() -> None:
    scene = Scene()
    await scene.add(5)
    one, other = scene.registered[:2]
    with served(scene) as server, anyio.fail_after(WITHIN):
        url = f"{server.url}api/v1/stream?endpoint={one.endpoint.key}"
        async with httpx2.AsyncClient() as client, client.stream("GET", url) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            reader = Reader(response)
            assert "retry" in await reader.message()
            came = [result(other, scene.now), result(one, scene.now, outcome=Outcome.DOWN, status=500)]
            scene.tell(*came, states={one.id: a_down(scene), other.id: a_down(scene)})
            first, second = await reader.message(), await reader.message()
    assert first["event"] == "result"
    told = json.loads(first["data"])
    assert (told["endpoint"], told["outcome"], told["http"]["status"]) == (one.endpoint.key, "down", 500)
    assert second["event"] == "state"
    assert json.loads(second["data"])["after"] == "down"


async def test_the_stream_of_a_group_is_that_group() -> None:
    scene = Scene()
    await scene.add(10)
    with served(scene) as server, anyio.fail_after(WITHIN):
        url = f"{server.url}api/v1/stream?group=search"
        async with httpx2.AsyncClient() as client, client.stream("GET", url) as response:
            reader = Reader(response)
            await reader.message()
            scene.tell(*[result(one, scene.now) for one in scene.registered])
            told = [json.loads((await reader.message())["data"]) for _ in range(2)]
    assert {one["group"] for one in told} == {"search"}


async def test_a_quiet_stream_beats_and_ends_when_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_stream, "BEAT_EVERY", 0.01)
    scene = Scene()
    server = WebServer(scene.services)
    server.bind()
    server.start()
    with anyio.fail_after(WITHIN):
        async with httpx2.AsyncClient() as client, client.stream("GET", f"{server.url}api/v1/stream") as response:
            reader = Reader(response)
            await reader.message()
            assert "" in await reader.message(), "a comment has no field name"
            await asyncio.to_thread(server.stop, STOP_WITHIN)
            for _ in range(10_000):
                if not await reader.message():
                    break
            else:
                pytest.fail("the stream went on")
    assert "milkrun-web" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.usefixtures("quick")
async def test_pages_of_incidents_are_told_to_look_again_at_once_when_one_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "LOOK_AGAIN", 10**9)
    scene = Scene()
    await scene.add(1)
    with served(scene) as server:
        async with httpx2.AsyncClient() as client, client.stream("GET", f"{server.url}live/incidents") as response:
            reader = Reader(response)
            first = [await reader.message() for _ in range(2)]
            one = Incident(endpoint=1, opened=scene.now, closed=None, state=Outcome.DOWN, cause="x")
            scene.tell(states={1: EndpointState(state=Outcome.DOWN, since=scene.now, incident=one)})
            assert (await reader.message())["event"] == "look"
    assert [message.get("event") for message in first] == [None, None]


async def test_an_unknown_endpoint_has_no_stream() -> None:
    async with browsing(Scene()) as (client, _):
        api = await client.get("/api/v1/stream?endpoint=nope")
        page = await client.get("/live/endpoints/nope")
    assert (api.status_code, page.status_code) == (404, 404)


async def test_streams_are_bounded_and_the_next_one_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "STREAMS", 0)
    async with browsing(Scene()) as (client, _):
        with anyio.fail_after(WITHIN):
            answer = await client.get("/api/v1/stream")
    assert answer.status_code == 503
    assert "live streams are open already" in answer.json()["detail"]


async def test_a_stream_that_fell_behind_says_how_much_it_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milkrun.web.board.BACKLOG", 1)
    scene = Scene()
    await scene.add(1)
    async with browsing(scene) as (_, site):
        events = api_stream._events(site, None, None)
        assert await anext(events) == sse.RETRY
        for turn in range(3):
            scene.tell(result(scene.registered[0], scene.now + turn))
        chunk = await anext(events)
        while b"lost" not in chunk and b"result" not in chunk:
            chunk = await anext(events)
        site.stopping.set()
        assert [rest async for rest in events] == []
    assert chunk.startswith(b"event: lost\ndata: 2\n\n")


@pytest.mark.usefixtures("quick")
async def test_the_overviews_stream_sends_the_rows_that_changed_and_only_those_on_the_page() -> None:
    scene = Scene()
    await scene.add(5)
    one, other = scene.registered[:2]
    with served(scene) as server, anyio.fail_after(WITHIN):
        url = f"{server.url}live/rows?ids={one.id},777"
        async with httpx2.AsyncClient() as client, client.stream("GET", url) as response:
            reader = Reader(response)
            await reader.message()
            await reader.message()
            scene.tell(result(one, scene.now), result(other, scene.now), states={one.id: a_down(scene)})
            said = (await reader.message())["data"]
    assert f'hx-target="#row-{one.id}"' in said
    assert f'hx-target="#row-{other.id}"' not in said
    assert "1 of 5 endpoints is down" in said
    assert 'id="count-down">1</b>' in said


@pytest.mark.usefixtures("quick")
async def test_an_endpoints_stream_sends_its_headline_its_point_and_its_result() -> None:
    scene = Scene()
    await scene.add(2)
    one, other = scene.registered
    with served(scene) as server, anyio.fail_after(WITHIN):
        url = f"{server.url}live/endpoints/{one.endpoint.key}"
        async with httpx2.AsyncClient() as client, client.stream("GET", url) as response:
            reader = Reader(response)
            await reader.message()
            await reader.message()
            scene.tell(result(one, scene.now, status=503, outcome=Outcome.DOWN), result(other, scene.now))
            points, html = await reader.message(), await reader.message()
    assert points["event"] == "points"
    assert json.loads(points["data"])["t"] == [scene.now / 1_000]
    assert html["data"].count('hx-swap="afterbegin"') == 1
    assert "[STATUS] (503) == 200" in html["data"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("path", "target"),
    [("live/map?group=core", "#cells-group-"), ("live/client", "#client"), ("live/frame", "#banner")],
)
async def test_every_page_has_a_stream_that_first_tells_how_things_stand(path: str, target: str) -> None:
    scene = Scene()
    await scene.add(5)
    with served(scene) as server, anyio.fail_after(WITHIN):
        async with httpx2.AsyncClient() as client, client.stream("GET", f"{server.url}{path}") as response:
            reader = Reader(response)
            await reader.message()
            said = (await reader.message())["data"]
    assert f'hx-target="{target}' in said


async def test_a_quiet_page_stream_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "BEAT_EVERY", 0.02)
    async with browsing(Scene()) as (_, site):
        chunks = fragments.ticking(site, 0.01, lambda: b"")
        assert [await anext(chunks), await anext(chunks)] == [sse.RETRY, sse.BEAT]
        site.stopping.set()
        assert [chunk async for chunk in chunks] == []


def test_a_port_in_use_is_known_at_bind() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        scene = Scene(WebSettings(port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use"):
            WebServer(scene.services).bind()


def test_before_bind_there_is_no_address_and_no_start() -> None:
    scene = Scene()
    server = WebServer(scene.services)
    with pytest.raises(RuntimeError, match=r"bind\(\)"):
        server.start()
    with pytest.raises(RuntimeError, match=r"bind\(\)"):
        _ = server.url
    server.stop(STOP_WITHIN)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "http://127.0.0.1:"), (EVERYWHERE, "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_the_address_shown_is_one_that_a_browser_can_open(host: str, shown: str) -> None:
    scene = Scene(WebSettings(host=host, port=0))
    server = WebServer(scene.services)
    server.bind()
    try:
        assert server.url.startswith(shown)
    finally:
        server.stop(STOP_WITHIN)
