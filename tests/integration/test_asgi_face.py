"""The application's clients under httpx2's interface: on the same connections, for every handler, closed by none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from milkrun.client import Client
from milkrun.client.asgi import SharedHttpx, client_lifespan, client_of, httpx_of, named_httpx, shared_httpx
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, answers, scripted

__all__ = ["anyio_backend"]

Billing = Annotated[httpx2.AsyncClient, Depends(named_httpx("billing"))]
COOKIE = b"HTTP/1.1 200 OK\r\nSet-Cookie: user=somebody; Path=/\r\nContent-Length: 2\r\n\r\nhi"


def application() -> FastAPI:
    app = FastAPI(lifespan=client_lifespan(named={"billing": lambda: Client(user_agent="bills")}))

    @app.get("/ask")
    async def ask(url: str, http: SharedHttpx) -> int:
        return (await http.get(url)).status_code

    @app.get("/bill")
    async def bill(url: str, http: Billing) -> int:
        return (await http.get(url)).status_code

    @app.get("/close")
    async def close(url: str, http: SharedHttpx) -> int:
        async with http:
            status = (await http.get(url)).status_code
        await http.aclose()
        return status

    return app


@asynccontextmanager
async def asking(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http,
    ):
        yield http


async def test_handlers_share_one_httpx2_client_on_the_shared_clients_connections() -> None:
    app = application()
    async with scripted(answers(OK)) as server, asking(app) as http:
        for path in ("/ask", "/ask", "/bill"):
            assert (await http.get(path, params={"url": server.url})).json() == 200
        assert [len(peer.heard) for peer in server.peers] == [2, 1]
        assert client_of(app).stats()["requests_total"] == 2
        assert client_of(app, "billing").stats()["requests_total"] == 1
        assert httpx_of(app) is httpx_of(app)
        assert httpx_of(app) is not httpx_of(app, "billing")
        assert isinstance(httpx_of(app), httpx2.AsyncClient)


async def test_a_handler_that_closes_it_closes_nothing() -> None:
    async with scripted(answers(OK)) as server, asking(application()) as http:
        for path in ("/close", "/close", "/ask"):
            assert (await http.get(path, params={"url": server.url})).json() == 200
        assert len(server.peers) == 1


async def test_one_users_cookie_is_not_sent_with_anothers_request() -> None:
    async with scripted(answers(COOKIE)) as server, asking(application()) as http:
        for _ in range(2):
            assert (await http.get("/ask", params={"url": server.url})).json() == 200
        (peer,) = server.peers
        assert len(peer.heard) == 2
        assert b"cookie" not in peer.heard[1].lower()


async def test_a_cookie_that_is_given_with_a_request_goes_along() -> None:
    app = application()
    async with scripted(answers(OK)) as server, asking(app):
        await httpx_of(app).get(server.url, headers={"Cookie": "user=me"})
        assert b"user=me" in server.peers[0].heard[0]


async def test_a_test_puts_its_own_in_its_place() -> None:
    app = application()
    mine = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(418)))
    app.dependency_overrides[shared_httpx] = lambda: mine
    app.dependency_overrides[named_httpx("billing")] = lambda: mine
    async with mine, asking(app) as http:
        for path in ("/ask", "/bill"):
            assert (await http.get(path, params={"url": "http://api.example/"})).json() == 418


async def test_a_plain_starlette_application_has_it_as_well() -> None:
    async def ask(request: Request) -> JSONResponse:
        return JSONResponse((await httpx_of(request).get(request.query_params["url"])).status_code)

    async with (
        scripted(answers(OK)) as server,
        asking(Starlette(lifespan=client_lifespan(), routes=[Route("/ask", ask)])) as http,
    ):
        assert (await http.get("/ask", params={"url": server.url})).json() == 200


async def test_after_the_end_of_the_application_it_says_that_it_is_closed() -> None:
    app = application()
    async with asking(app):
        face = httpx_of(app)
    with pytest.raises(Exception, match="closed"):
        await face.get("http://127.0.0.1/")
