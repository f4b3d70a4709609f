"""The application's clients in its handlers: by dependency, by name, in WebSockets, and replaced in tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from milkrun.client import Client, UsageError
from milkrun.client.asgi import (
    SharedClient,
    client_lifespan,
    client_of,
    named_client,
    shared_client,
    status_app,
)
from milkrun.client.asgi.clients import KEY
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import until

__all__ = ["anyio_backend"]

Billing = Annotated[Client, Depends(named_client("billing"))]
TEAPOT = b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n"


def application(**options: Any) -> FastAPI:
    app = FastAPI(lifespan=client_lifespan(**options))

    @app.get("/ask")
    async def ask(url: str, client: SharedClient) -> int:
        return (await client.get(url)).status

    @app.get("/bill")
    async def bill(url: str, client: Billing) -> int:
        return (await client.get(url)).status

    @app.get("/close")
    async def close(client: SharedClient) -> None:
        await client.aclose()

    @app.get("/enter")
    async def enter(client: SharedClient) -> None:
        async with client:
            pytest.fail("entered")

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, client: SharedClient, billing: Billing) -> None:
        await websocket.accept()
        url = await websocket.receive_text()
        await websocket.send_json([(await each.get(url)).status for each in (client, billing)])
        await websocket.close()

    return app


@asynccontextmanager
async def asking(app: Any, *, started: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application, on this loop; with its lifespan, as `TestClient` inside `with`, or without."""
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        if started:
            async with app.router.lifespan_context(app):
                yield http
        else:
            yield http


async def test_all_handlers_share_one_client_and_its_connections() -> None:
    app = application()
    async with scripted(answers(OK)) as server, asking(app) as http:
        for _ in range(5):
            assert (await http.get("/ask", params={"url": server.url})).json() == 200
        stats = client_of(app).stats()
    assert (len(server.peers), stats["opened_total"], stats["requests_total"]) == (1, 1, 5)


async def test_a_named_client_has_connections_and_limits_of_its_own() -> None:
    app = application(named={"billing": lambda: Client(user_agent="bills")})
    async with scripted(answers(OK)) as server, asking(app) as http:
        for path in ("/ask", "/bill", "/bill"):
            assert (await http.get(path, params={"url": server.url})).json() == 200
        assert [len(peer.heard) for peer in server.peers] == [1, 2]
        assert b"User-Agent: bills" in server.peers[1].heard[0]


async def test_a_name_that_nobody_made_is_answered_with_those_there_are() -> None:
    async with asking(application(named={"search": Client})) as http:
        with pytest.raises(UsageError) as caught:
            await http.get("/bill", params={"url": "http://127.0.0.1/"})
    assert str(caught.value) == (
        "there is no client named 'billing', there are: 'default', 'search'; "
        "make it at the start: client_lifespan(named={'billing': lambda: Client(…)})"
    )


@pytest.mark.parametrize("path", ["/close", "/enter"])
async def test_a_handler_cannot_close_the_client_by_accident(path: str) -> None:
    app = application()
    async with scripted(answers(OK)) as server, asking(app) as http:
        with pytest.raises(UsageError, match="the whole application's"):
            await http.get(path)
        assert (await http.get("/ask", params={"url": server.url})).json() == 200


def in_a_test_client(app: Any, url: str) -> Any:
    with TestClient(app) as http, http.websocket_connect("/socket") as socket:
        socket.send_text(url)
        return socket.receive_json()


async def test_websockets_have_the_clients_as_well() -> None:
    async with scripted(answers(OK)) as server:
        app = application(named={"billing": Client})
        assert await asyncio.to_thread(in_a_test_client, app, server.url) == [200, 200]


async def test_a_plain_starlette_application_asks_for_its_clients() -> None:
    async def ask(request: Request) -> JSONResponse:
        clients = client_of(request), client_of(request, "billing")
        return JSONResponse([(await each.get(request.query_params["url"])).status for each in clients])

    async def socket(websocket: Any) -> None:
        await websocket.accept()
        url = await websocket.receive_text()
        await websocket.send_json((await client_of(websocket).get(url)).status)
        await websocket.close()

    app = Starlette(
        lifespan=client_lifespan(named={"billing": Client}),
        routes=[Route("/ask", ask), WebSocketRoute("/socket", socket)],
    )
    async with scripted(answers(OK)) as server:
        async with asking(app) as http:
            assert (await http.get("/ask", params={"url": server.url})).json() == [200, 200]
        assert await asyncio.to_thread(in_a_test_client, app, server.url) == 200


def mounted(outer: Any, path: str) -> Any:
    with TestClient(outer) as http:
        return http.get(path).json()


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
async def test_what_is_mounted_shares_the_clients_of_the_application_around_it(kind: Any) -> None:
    inner = application(make=lambda: pytest.fail("nobody runs a mounted application's lifespan"))
    outer = kind(lifespan=client_lifespan(), routes=[Mount("/inner", inner)])
    async with scripted(answers(OK)) as server:
        assert await asyncio.to_thread(mounted, outer, f"/inner/ask?url={server.url}") == 200


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
async def test_what_is_mounted_finds_them_where_nobody_hands_the_lifespans_state_on(kind: Any) -> None:
    outer = kind(lifespan=client_lifespan(), routes=[Mount("/a", Starlette(routes=[Mount("/b", application())]))])
    async with scripted(answers(OK)) as server, asking(outer) as http:
        assert (await http.get("/a/b/ask", params={"url": server.url})).json() == 200


async def test_a_test_puts_its_own_client_in_the_shared_ones_place() -> None:
    app = application(named={"billing": Client})
    async with scripted(answers(TEAPOT)) as server, Client(resolve={"api.example": "127.0.0.1"}) as mine:
        app.dependency_overrides[shared_client] = lambda: mine
        app.dependency_overrides[named_client("billing")] = lambda: mine
        url = server.url.replace("127.0.0.1", "api.example")
        async with asking(app, started=False) as http:  # nor does it need a lifespan then
            assert [(await http.get(path, params={"url": url})).json() for path in ("/ask", "/bill")] == [418, 418]
        assert mine.stats()["requests_total"] == 2


async def test_middleware_asks_with_the_scope_it_has() -> None:
    asked = []

    class Middleware:
        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            asked.append(client_of(scope))
            await self._app(scope, receive, send)

    app = application()
    app.add_middleware(Middleware)
    async with scripted(answers(OK)) as server, asking(app) as http:
        await http.get("/ask", params={"url": server.url})
        assert asked == [client_of(app)]


async def test_a_test_has_the_lifespan_make_its_client() -> None:
    app = application(make=lambda: Client(resolve={"api.example": "127.0.0.1"}))
    async with scripted(answers(TEAPOT)) as server, asking(app) as http:
        url = server.url.replace("127.0.0.1", "api.example")
        assert (await http.get("/ask", params={"url": url})).json() == 418


async def test_one_name_is_one_dependency() -> None:
    assert named_client("billing") is named_client("billing")
    assert named_client("billing") is not named_client("search")


async def test_the_clients_are_no_part_of_the_applications_interface() -> None:
    schema = application().openapi()["paths"]
    assert [parameter["name"] for parameter in schema["/ask"]["get"]["parameters"]] == ["url"]
    assert "requestBody" not in schema["/ask"]["get"]


async def test_a_handler_that_is_cancelled_leaves_the_shared_client_as_it_was() -> None:
    app = application()

    async def hear(peer: Peer) -> None:
        await peer.request()
        await silence(peer)

    async with scripted(hear) as quiet, scripted(answers(OK)) as server, asking(app) as http:
        handler = asyncio.create_task(http.get("/ask", params={"url": quiet.url}))
        assert await until(lambda: bool(quiet.peers and quiet.peers[0].heard) or handler.done())
        assert client_of(app).stats()["connections"]["in_use"] == 1
        handler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handler
        assert client_of(app).stats()["connections"]["in_use"] == 0
        assert await until(lambda: client_of(app).stats()["connections"]["open"] == 0)
        assert (await http.get("/ask", params={"url": server.url})).json() == 200


async def test_a_hook_that_raises_is_logged_and_no_request_fails(caplog: pytest.LogCaptureFixture) -> None:
    def hook(_: Any) -> None:
        raise LookupError("no such metric")

    async with scripted(answers(OK)) as server, asking(application(make=lambda: Client(on_event=hook))) as http:
        assert (await http.get("/ask", params={"url": server.url})).json() == 200
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert any(record.exc_info and isinstance(record.exc_info[1], LookupError) for record in caplog.records)


async def test_status_is_of_the_application_it_is_mounted_on() -> None:
    app = application(named={"billing": Client})
    app.mount("/clients", status_app())
    async with scripted(answers(OK)) as server, asking(app) as http:
        await http.get("/bill", params={"url": server.url})
        health = await http.get("/clients/health")
        stats = (await http.get("/clients/stats")).json()
        metrics = (await http.get("/clients/metrics")).text
    assert (health.status_code, health.json()["clients"]) == (200, ["default", "billing"])
    assert {name: figures["requests_total"] for name, figures in stats.items()} == {"default": 0, "billing": 1}
    assert 'milkrun_client_requests_total{client="billing",pid="' in metrics


async def test_health_is_bad_from_the_first_moment_of_the_shut_down() -> None:
    @asynccontextmanager
    async def own(_: Any) -> AsyncIterator[None]:
        yield
        seen.append((await http.get("/clients/health")).json()["status"])

    seen: list[str] = []
    app = FastAPI(lifespan=client_lifespan(own))
    app.mount("/clients", status_app())
    async with asking(app, started=False) as http:
        async with app.router.lifespan_context(app):
            seen.append((await http.get("/clients/health")).json()["status"])
        seen.append((await http.get("/clients/health")).json()["status"])
    assert seen == ["open", "draining", "none"]


async def test_a_request_that_outlives_the_application_is_told_so() -> None:
    async def late(request: Request) -> PlainTextResponse:
        client_of(request)
        return PlainTextResponse("never")

    app = Starlette(lifespan=client_lifespan(), routes=[Route("/late", late)])
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        assert state[KEY].get(None) is client_of(app)
    request = Request({"type": "http", "state": state, "app": app})
    with pytest.raises(UsageError, match="the application has shut down, and its clients are closed"):
        await late(request)
