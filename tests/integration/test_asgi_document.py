"""Each snippet of docs/fastapi.md is an application that answers all its requests, or a test that passes."""

import asyncio
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.integration.test_documents import blocks
from tests.support.scripted import Peer, scripted

SNIPPETS = blocks("docs/fastapi.md", "python")
UPSTREAM = "https://airline.example"
FARE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"price": 99.0}'


def module(name: str, snippet: str, url: str) -> ModuleType:
    made = ModuleType(name)
    exec(compile(snippet.replace(UPSTREAM, url.rstrip("/")), f"docs/fastapi.md: {name}", "exec"), vars(made))  # noqa: S102  # ours
    return made


def tried(app: Any) -> list[httpx2.Response]:
    """The answer to each of the application's own routes."""
    routes = [route for route in app.routes if getattr(route, "methods", None) and "openapi" not in route.name]
    with TestClient(app) as http:
        return [
            http.request(max(route.methods - {"HEAD"}), route.path.replace("{flight}", "MR1"))
            for route in routes
            if not route.path.startswith(("/docs", "/redoc"))
        ]


async def fares(peer: Peer) -> None:
    while await peer.message():
        await peer.say(FARE)


@pytest.mark.parametrize("snippet", [snippet for snippet in SNIPPETS if "app = " in snippet])
async def test_each_application_of_the_document_answers(snippet: str) -> None:
    async with scripted(fares) as server:
        app = module("main", snippet, server.url).app
        answers = await asyncio.to_thread(tried, app)
    assert answers or "status_app" in snippet
    assert {(answer.status_code, answer.text) for answer in answers} <= {(200, "99.0")}


def ran(test: Callable[[], Any]) -> None:
    came = test()
    if inspect.iscoroutine(came):
        asyncio.run(came)


async def test_the_documents_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    (application,) = [snippet for snippet in SNIPPETS if snippet.startswith("# main.py")]
    (tests,) = [snippet for snippet in SNIPPETS if snippet.startswith("# test_main.py")]
    async with scripted(fares) as server:
        monkeypatch.setitem(sys.modules, "main", module("main", application, server.url))
        names = vars(module("test_main", tests, server.url))
        found = [value for name, value in names.items() if name.startswith("test_")]
        for test in found:
            await asyncio.to_thread(ran, test)
    assert len(found) == 3


async def test_the_status_pages_are_where_the_document_says() -> None:
    (snippet,) = [snippet for snippet in SNIPPETS if "status_app()" in snippet]
    app = module("main", snippet, "").app
    with TestClient(app) as http:
        for page in ("health", "stats", "metrics"):
            assert http.get(f"/clients/{page}").status_code == 200
