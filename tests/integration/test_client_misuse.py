"""Mistakes in using a client are told what to do instead."""

import asyncio
import os
import subprocess
import sys

import pytest

from milkrun.client import Client, UsageError
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, answers, scripted

__all__ = ["anyio_backend"]

FOREIGN = "fastapi sqlalchemy pydantic typer structlog milkrun.core milkrun.config"


async def test_a_closed_client_says_so_and_may_be_closed_again() -> None:
    async with scripted(answers(OK)) as server:
        client = Client()
        async with client:
            assert (await client.get(server.url)).status == 200
        await client.aclose()
        with pytest.raises(UsageError, match="closed"):
            await client.get(server.url)
        with pytest.raises(UsageError, match="closed"):
            async with client:
                pytest.fail("entered")


async def test_another_event_loop_is_refused() -> None:
    async with Client() as client:

        async def elsewhere() -> str:
            with pytest.raises(UsageError) as caught:
                await client.get("http://127.0.0.1/")
            return str(caught.value)

        assert "one for each loop" in await asyncio.to_thread(asyncio.run, elsewhere())


def test_a_client_may_be_made_before_there_is_a_loop() -> None:
    async def use(client: Client) -> int:
        async with scripted(answers(OK)) as server, client:
            return (await client.get(server.url)).status

    assert asyncio.run(use(Client())) == 200


async def test_a_forked_child_is_told_to_make_its_own() -> None:
    async with Client() as client:
        child = os.fork()
        if child == 0:
            try:
                client.get("http://127.0.0.1/").send(None)
            except UsageError as err:
                os._exit(42 if "each process" in str(err) else 1)
            finally:
                os._exit(2)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 42


async def test_every_method_has_its_verb() -> None:
    async with scripted(answers(b"HTTP/1.1 204 No\r\n\r\n")) as server, Client() as client:
        for method in ("get", "head", "options", "post", "put", "patch", "delete"):
            response = await getattr(client, method)(server.url, headers={"X": "y"})
            assert response.request.method == method.upper()
        heard = [text.split()[0].decode() for text in server.peers[0].heard]
        assert heard == ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


async def test_a_response_shows_what_came_and_nothing_by_accident() -> None:
    text = b"HTTP/1.1 404 Not Here\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi"
    async with scripted(answers(text)) as server, Client() as client:
        response = await client.get(server.url)
        assert (response.status, response.reason, response.version) == (404, "Not Here", "1.1")
        assert response.headers is response.headers
        assert (response.headers["x-a"], response.bytes_received) == ("1", 2)
        assert repr(response) == f"<Response 404 {server.url}>"


def test_importing_the_client_loads_nothing_of_the_monitor() -> None:
    code = f"import sys, milkrun.client; sys.exit(' '.join(m for m in '{FOREIGN}'.split() if m in sys.modules) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # ours
    assert (done.returncode, done.stderr) == (0, "")
