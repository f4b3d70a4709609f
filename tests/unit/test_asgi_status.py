"""The mounted pages: which there are, what they say at each stage, and what they refuse."""

import asyncio
import json
import os
from typing import Any

import pytest

from milkrun.client import Client
from milkrun.client.asgi import status_app
from milkrun.client.asgi.clients import KEY, Clients, Stage
from milkrun.client.asgi.status import answered

PAGES = ["/health", "/stats", "/metrics"]


@pytest.fixture
async def clients() -> Clients:
    made = Clients(asyncio.get_running_loop())
    await made.add("default", Client)
    await made.add("billing", Client)
    return made


async def asked(scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What the application sends to a request that has no body."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        pytest.fail("nothing of the request's content is needed")

    await status_app()(scope, receive, send)
    return sent


def get(path: str, clients: Clients | None = None, **scope: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "state": {KEY: clients} if clients else {}, **scope}


@pytest.mark.parametrize(("stage", "status"), [(Stage.OPEN, 200), (Stage.DRAINING, 503), (Stage.CLOSED, 503)], ids=str)
async def test_health_follows_the_applications_life(clients: Clients, stage: Stage, status: int) -> None:
    clients.stage = stage
    answer = answered("GET", "/health", clients)
    assert answer.status == status
    assert json.loads(answer.text) == {"status": stage, "pid": os.getpid(), "clients": ["default", "billing"]}


def test_without_clients_nothing_is_healthy() -> None:
    answer = answered("GET", "/health", None)
    assert (answer.status, json.loads(answer.text)["status"]) == (503, "none")


@pytest.mark.parametrize("stage", Stage)
async def test_figures_are_shown_by_name_to_the_end(clients: Clients, stage: Stage) -> None:
    clients.stage = stage
    shown = json.loads(answered("GET", "/stats", clients).text)
    assert shown.keys() == {"default", "billing"}
    assert shown["billing"].keys() == Client().stats().keys()


def test_without_clients_there_are_no_figures() -> None:
    assert json.loads(answered("GET", "/stats", None).text) == {}
    assert "client=" not in answered("GET", "/metrics", None).text


async def test_metrics_are_in_the_format_that_is_announced(clients: Clients) -> None:
    answer = answered("GET", "/metrics", clients)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert f'milkrun_client_requests_total{{client="billing",pid="{os.getpid()}"}} 0\n' in answer.text


@pytest.mark.parametrize("path", ["", "/", "/health/", "/HEALTH", "/healthz", "/stats/default"])
def test_any_other_path_is_not_found_and_says_which_there_are(path: str) -> None:
    answer = answered("GET", path, None)
    assert (answer.status, json.loads(answer.text)) == (404, {"error": "not found", "paths": PAGES})


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
async def test_any_other_method_is_refused(path: str, method: str) -> None:
    start, body = await asked(get(path, method=method))
    assert (start["status"], json.loads(body["body"])) == (405, {"error": "only GET, HEAD"})
    assert (b"allow", b"GET, HEAD") in start["headers"]


@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
async def test_head_says_what_get_says_without_the_content(clients: Clients, path: str) -> None:
    get_start, get_body = await asked(get(path, clients))
    head_start, head_body = await asked(get(path, clients, method="HEAD"))
    assert (head_start, head_body["body"]) == (get_start, b"")
    assert (b"content-length", b"%d" % len(get_body["body"])) in get_start["headers"]
    assert (b"cache-control", b"no-store") in get_start["headers"]


@pytest.mark.parametrize(
    ("path", "root_path"),
    [("/health", ""), ("/clients/health", "/clients"), ("/health", "/clients"), ("/a/b/health", "/a/b/")],
)
async def test_it_answers_wherever_it_is_mounted(path: str, root_path: str) -> None:
    start, _ = await asked(get(path, root_path=root_path))
    assert start["status"] == 503


@pytest.mark.parametrize("path", ["/api/clients/health", "/clients/health"])
async def test_behind_a_proxy_it_answers_whether_the_servers_root_path_was_stripped_or_not(path: str) -> None:
    start, _ = await asked(get(path, root_path="/api/clients", app_root_path="/api"))
    assert start["status"] == 503


async def test_a_websocket_is_turned_away() -> None:
    assert await asked({"type": "websocket", "path": "/health"}) == [{"type": "websocket.close"}]


async def test_it_has_no_lifespan_of_its_own() -> None:
    with pytest.raises(RuntimeError, match="mount it on an application that has client_lifespan"):
        await asked({"type": "lifespan"})
