"""Mistakes around an application's client are told what to do instead: no lifespan, another loop, a thread, a fork."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from milkrun.client import Client, UsageError
from milkrun.client.asgi import SharedClient, client_lifespan, shared_client
from tests.support.scripted import OK, answers, scripted

LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
FORGOTTEN = "no client_lifespan is running for this application. Make it FastAPI\\(lifespan=client_lifespan\\(\\)\\)"


def application(lifespan: Any = None) -> FastAPI:
    app = FastAPI(lifespan=lifespan)

    @app.get("/ask")
    async def ask(url: str, client: SharedClient) -> int:
        return (await client.get(url)).status

    @app.get("/thread")
    def ask_from_a_thread(url: str, client: SharedClient) -> int:
        return asyncio.run(client.get(url)).status

    return app


def ask(app: FastAPI, url: str, path: str = "/ask") -> int:
    with TestClient(app) as http:
        return int(http.get(path, params={"url": url}).text)


def test_a_lifespan_that_was_forgotten_is_missed_with_what_to_write() -> None:
    with pytest.raises(UsageError, match=FORGOTTEN):
        ask(application(), "http://127.0.0.1/")


def test_a_test_client_that_runs_no_lifespan_is_told_how_it_does() -> None:
    http = TestClient(application(client_lifespan()))
    with pytest.raises(UsageError, match="a lifespan runs only inside `with TestClient"):
        http.get("/ask", params={"url": "http://127.0.0.1/"})


async def test_a_test_client_with_its_own_loop_each_time_needs_no_more_than_the_lifespan() -> None:
    app = application(client_lifespan())
    async with scripted(answers(OK)) as server:
        for _ in range(2):
            assert await asyncio.to_thread(ask, app, server.url) == 200
        assert len(server.peers) == 2


async def test_a_client_of_a_first_test_is_refused_on_the_loop_of_the_next() -> None:
    app = application()
    client = Client()
    app.dependency_overrides[shared_client] = lambda: client
    async with scripted(answers(LAST)) as server:
        assert await asyncio.to_thread(ask, app, server.url) == 200
        with pytest.raises(UsageError, match="belongs to an event loop that is closed; close a client before its loop"):
            await asyncio.to_thread(ask, app, server.url)


async def test_a_client_of_the_tests_own_loop_is_refused_on_the_test_clients() -> None:
    app = application()
    async with scripted(answers(OK)) as server, Client() as client:
        assert (await client.get(server.url)).status == 200
        app.dependency_overrides[shared_client] = lambda: client
        with pytest.raises(UsageError, match=r"the event loop of another thread; make a client for each loop"):
            await asyncio.to_thread(ask, app, server.url)
        assert (await client.get(server.url)).connection.reused


async def test_a_closed_client_in_its_place_says_that_it_is_closed() -> None:
    app = application()
    async with Client() as client:
        pass
    app.dependency_overrides[shared_client] = lambda: client
    with pytest.raises(UsageError, match="the client is closed; send requests before it is, or make another"):
        await asyncio.to_thread(ask, app, "http://127.0.0.1/")


async def test_a_handler_in_a_thread_is_told_how_to_hand_the_work_over() -> None:
    app = application(client_lifespan())
    async with scripted(answers(OK)) as server:
        with pytest.raises(UsageError, match=r"of another thread; .*asyncio.run_coroutine_threadsafe\(…, loop\)"):
            await asyncio.to_thread(ask, app, server.url, "/thread")


IN_A_CHILD = """
import asyncio, os, sys
from fastapi import FastAPI
from milkrun.client import UsageError
from milkrun.client.asgi import client_lifespan, client_of

async def main():
    app = FastAPI(lifespan=client_lifespan())
    async with app.router.lifespan_context(app):
        child = os.fork()
        if not child:
            try:
                client_of(app).get("http://127.0.0.1/").send(None)
            except UsageError as err:
                os._exit("forked after the client was made; make a client in each process" not in str(err))
            os._exit(2)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

asyncio.run(main())
"""


def ran(code: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # ours
    return done.returncode, done.stderr


def test_a_process_that_a_handler_forks_cannot_use_its_parents_client() -> None:
    assert ran(IN_A_CHILD) == (0, "")


def lacking(module: str, code: str) -> tuple[int, str]:
    return ran(f"import sys\nsys.modules[{module!r}] = None\n{code}")


PLAIN = "from milkrun.client.asgi import client_lifespan, client_of, status_app\nclient_lifespan(), status_app()"


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("fastapi", PLAIN),
        ("starlette", PLAIN),
        ("httpx2", PLAIN),
        ("httpx2", "from milkrun.client.asgi import SharedClient, named_client, shared_client"),
        ("fastapi", "from milkrun.client.asgi import httpx_of"),
    ],
)
def test_what_needs_no_framework_works_without_it(missing: str, code: str) -> None:
    assert lacking(missing, code) == (0, "")


@pytest.mark.parametrize(
    ("missing", "names", "says"),
    [
        (
            "fastapi",
            "SharedClient",
            "SharedClient of milkrun.client.asgi needs FastAPI: pip install 'milkrun[fastapi]'",
        ),
        (
            "fastapi",
            "named_client",
            "named_client of milkrun.client.asgi needs FastAPI: pip install 'milkrun[fastapi]'",
        ),
        ("fastapi", "SharedHttpx", "SharedHttpx of milkrun.client.asgi needs FastAPI: pip install 'milkrun[fastapi]'"),
        ("httpx2", "SharedHttpx", "SharedHttpx of milkrun.client.asgi needs httpx2: pip install 'milkrun[httpx]'"),
        ("httpx2", "httpx_of", "httpx_of of milkrun.client.asgi needs httpx2: pip install 'milkrun[httpx]'"),
    ],
)
def test_an_extra_that_is_missing_is_one_clear_line(missing: str, names: str, says: str) -> None:
    code, said = lacking(missing, f"from milkrun.client.asgi import {names}")
    assert (code, said.splitlines()[-1]) == (1, f"ImportError: {says}")


def test_another_module_that_is_missing_is_called_by_its_own_name() -> None:
    code, said = lacking("starlette", "from milkrun.client.asgi import SharedClient")
    assert code == 1
    assert "import of starlette" in said.splitlines()[-1]


def test_a_name_that_it_has_not_is_no_attribute() -> None:
    code, said = ran("import milkrun.client.asgi\nmilkrun.client.asgi.SharedClients")
    assert code == 1
    assert "module 'milkrun.client.asgi' has no attribute 'SharedClients'" in said


@pytest.mark.parametrize(
    ("imported", "loads"),
    [
        ("milkrun.client", "fastapi starlette httpx2 milkrun.client.asgi"),
        ("milkrun.client.asgi", "fastapi starlette httpx2"),
    ],
)
def test_importing_it_loads_no_more_than_is_asked_for(imported: str, loads: str) -> None:
    code = f"import sys, {imported}; sys.exit(' '.join(m for m in '{loads}'.split() if m in sys.modules) or None)"
    assert ran(code) == (0, "")
