"""Real servers with several worker processes: each has its own clients, and one that was made before is told off."""

import asyncio
from typing import Any

import pytest

from tests.support.app_servers import GUNICORN, UVICORN, WITHIN, Server, address, server
from tests.support.scripted import OK, Peer, Scripted, answers, scripted, silence
from tests.support.turns import until

pytestmark = pytest.mark.slow

FOUR = (*UVICORN, "--workers", "4")
PRELOADED = [
    pytest.param((*GUNICORN, "--preload", "--worker-class", "uvicorn_worker.UvicornWorker"), id="uvicorn's worker"),
    pytest.param((*GUNICORN, "--preload", "--worker-class", "asgi"), id="gunicorn's own worker"),
]
FORKED = "the process was forked after the client was made; make a client in each process"


async def from_each_worker(running: Server, upstream: Scripted, count: int) -> list[dict[str, Any]]:
    """Have as many workers ask upstream, one after the other held up at a gate so that another takes the next."""
    arrived, go_on = asyncio.Queue[Peer](), asyncio.Event()

    async def gate(peer: Peer) -> None:
        arrived.put_nowait(peer)
        await go_on.wait()
        await peer.say(b"x")

    async with scripted(gate) as gates, asyncio.timeout(WITHIN), asyncio.TaskGroup() as asking:
        url = f"{await address(running)}/ask"
        question = {"url": upstream.url, "gate": str(gates.port)}
        tasks = []
        for _ in range(count):
            tasks.append(asking.create_task(running.http.get(url, params=question)))
            await arrived.get()
        go_on.set()
    return [task.result().json() for task in tasks]


@pytest.mark.parametrize("command", [pytest.param(FOUR, id="uvicorn"), *PRELOADED])
async def test_each_worker_has_one_client_and_closes_it(command: tuple[str, ...]) -> None:
    count = 4 if command is FOUR else 2
    async with scripted(answers(OK)) as upstream, server(command, "shared") as running:
        first = await from_each_worker(running, upstream, count)
        again = await from_each_worker(running, upstream, count)
        assert [len({answer["pid"] for answer in round_}) for round_ in (first, again)] == [count, count]
        assert {answer["reused"] for answer in first} == {False}
        assert {answer["reused"] for answer in again} == {True}
        assert len(upstream.peers) == count
        await running.stop()
        assert "Traceback" not in running.said
        assert "unclosed <Client" not in running.said


@pytest.mark.parametrize("command", PRELOADED)
async def test_a_client_made_before_the_fork_is_told_off_in_each_request(command: tuple[str, ...]) -> None:
    async with scripted(answers(OK)) as upstream, server(command, "early") as running:
        answer = await running.http.get(f"{await address(running)}/ask", params={"url": upstream.url})
        assert answer.status_code == 500
        assert f"UsageError: {FORKED}" in answer.text
        assert upstream.peers == []


@pytest.mark.parametrize("command", PRELOADED)
async def test_a_lifespan_that_is_handed_a_client_made_before_the_fork_does_not_start(command: tuple[str, ...]) -> None:
    async with server(command, "handed_early") as running:
        assert await running.ended() != 0
    assert f"the client 'default' cannot be used by this application: {FORKED}" in running.said
    assert "Have client_lifespan make a new one at each start: make=, named=" in running.said


async def test_a_client_made_at_import_time_is_each_workers_own_where_workers_import_for_themselves() -> None:
    async with scripted(answers(OK)) as upstream, server((*UVICORN, "--workers", "2"), "early") as running:
        answer = await running.http.get(f"{await address(running)}/ask", params={"url": upstream.url})
        assert answer.json()["status"] == 200


async def test_what_no_request_waits_for_is_finished_before_the_client_is_closed() -> None:
    go = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.say(OK)
        await peer.request()
        await peer.say(OK)
        await peer.gone()

    async with scripted(late) as upstream, server(UVICORN, "shared") as running:
        url = f"{await address(running)}/detach"
        assert (await running.http.get(url, params={"url": upstream.url})).status_code == 200
        assert await until(lambda: bool(upstream.peers and upstream.peers[0].heard))
        stopping = asyncio.create_task(running.stop())
        await running.says("Waiting for application shutdown")
        go.set()
        await stopping
        assert "Application shutdown complete" in running.said
        assert "is closed with requests under way" not in running.said
        assert [len(peer.heard) for peer in upstream.peers] == [2]


async def test_a_handler_that_the_server_cancels_leaves_nothing_to_wait_for() -> None:
    command = (*UVICORN, "--timeout-graceful-shutdown", "1")
    async with scripted(hear) as upstream, server(command, "shared") as running:
        url = f"{await address(running)}/ask"
        asking = asyncio.create_task(running.http.get(url, params={"url": upstream.url}))
        assert await until(lambda: bool(upstream.peers and upstream.peers[0].heard))
        await running.stop()
        assert (await asking).status_code == 500
        assert "timeout graceful shutdown exceeded" in running.said
        assert "Application shutdown complete" in running.said
        assert "is closed with requests under way" not in running.said


async def hear(peer: Peer) -> None:
    await peer.request()
    await silence(peer)
