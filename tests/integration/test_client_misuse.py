"""Mistakes in using a client are told what to do instead: another loop or thread, after the close, after a fork."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from milkrun.client import Client, StreamedResponse, Tunnel, UsageError
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

FOREIGN = "opentelemetry fastapi sqlalchemy pydantic typer structlog milkrun.core milkrun.config"


Use = Callable[[Client, str], Awaitable[object]]


async def enter(client: Client, url: str) -> None:  # noqa: ARG001  # as every use
    async with client:
        pytest.fail("entered")


async def stream(client: Client, url: str) -> None:
    async with client.stream("GET", url):
        pytest.fail("streamed")


USES: dict[str, Use] = {
    "send": lambda client, url: client.send(client.prepare("GET", url)),
    "open": lambda client, url: client.open(client.prepare("GET", url)),
    "stream": stream,
    "request": lambda client, url: client.request("GET", url),
    "get": lambda client, url: client.get(url),
    "upload": lambda client, url: client.post(url, content=iter((b"x",))),
    "fresh": lambda client, url: client.get(url, fresh=True),
    "enter": enter,
    "aclose": lambda client, _: client.aclose(),
}
SAYS = {
    "thread": "another thread; make a client for each loop, or hand the work over: asyncio.run_coroutine_threadsafe",
    "loop": "the event loop that first used it; make a client for each loop",
    "dead loop": "an event loop that is closed; close a client before its loop ends",
    "closed": "the client is closed; send requests before it is, or make another",
}


def in_a_loop(do: Callable[[], Awaitable[object]]) -> None:
    """Run it in a loop of its own, of the kind that asyncio makes."""

    async def main() -> None:
        await do()

    asyncio.run(main())


@pytest.mark.parametrize("warm", [True, False], ids=["used", "just bound"])
@pytest.mark.parametrize("use", USES)
async def test_every_use_in_another_thread_is_refused(use: str, warm: bool) -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        if warm:
            await client.get(server.url)
        with pytest.raises(UsageError) as caught:
            await asyncio.to_thread(in_a_loop, lambda: USES[use](client, server.url))
        assert SAYS["thread"] in str(caught.value)
        assert (await client.get(server.url)).status == 200


@pytest.mark.parametrize("use", USES)
def test_every_use_on_another_loop_is_refused(use: str) -> None:
    first = asyncio.new_event_loop()
    client = Client()
    first.run_until_complete(client.__aenter__())
    with pytest.raises(UsageError) as caught:
        in_a_loop(lambda: USES[use](client, "http://127.0.0.1/"))
    assert SAYS["loop"] in str(caught.value)
    first.run_until_complete(client.aclose())
    first.close()


@pytest.mark.parametrize("use", USES)
def test_every_use_after_the_end_of_its_loop_is_refused(use: str) -> None:
    client = Client()
    in_a_loop(client.__aenter__)
    with pytest.raises(UsageError) as caught:
        in_a_loop(lambda: USES[use](client, "http://127.0.0.1/"))
    assert SAYS["dead loop"] in str(caught.value)


@pytest.mark.parametrize("use", [use for use in USES if use != "aclose"])
async def test_every_use_after_the_close_is_refused(use: str) -> None:
    async with scripted(answers(OK)) as server:
        client = Client()
        async with client:
            assert (await client.get(server.url)).status == 200
        with pytest.raises(UsageError) as caught:
            await USES[use](client, server.url)
        assert SAYS["closed"] in str(caught.value)


async def test_a_client_may_be_closed_again_anywhere() -> None:
    async with Client() as client:
        pass
    await client.aclose()
    await asyncio.to_thread(in_a_loop, client.aclose)


def test_a_use_without_a_loop_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"no event loop is running; use the client inside one: asyncio.run\(main\(\)\)"
    ):
        Client().get("http://127.0.0.1/").send(None)


def test_a_client_may_be_made_before_there_is_a_loop() -> None:
    async def use(client: Client) -> int:
        async with scripted(answers(OK)) as server, client:
            return (await client.get(server.url)).status

    assert asyncio.run(use(Client())) == 200


async def test_requests_may_be_prepared_and_figures_asked_for_anywhere() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        request = await asyncio.to_thread(client.prepare, "GET", server.url)
        assert (await client.send(request)).status == 200
        assert (await asyncio.to_thread(client.stats))["requests_total"] == 1
        assert len(await asyncio.to_thread(client.stats_by_origin)) == 1
    assert client.prepare("GET", server.url) is not request
    assert client.stats()["connections"]["open"] == 0


FORKING = """
import asyncio, os, sys
{loop}
from milkrun.client import Client, UsageError
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import turns, until
from tests.integration.test_client_misuse import USES

def refused(client, use, url):
    try:
        asyncio.run(awaited(USES[use](client, url))) if {anew} else USES[use](client, url).send(None)
    except UsageError as err:
        return "the process was forked after the client was made; make a client in each process" in str(err)
    return False

async def awaited(work):
    await work

async def main():
    async with scripted(answers(OK)) as server, Client() as used, Client() as unused:
        await used.get(server.url)
        child = os.fork()
        if not child:
            clients = [(used, use) for use in USES] + [(unused, use) for use in USES if use != "aclose"]
            wrong = [(client is used, use) for client, use in clients if not refused(client, use, server.url)]
            print(wrong, file=sys.stderr, flush=True)
            os._exit(len(wrong))
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert (await used.get(server.url)).connection.reused
        sys.exit(os.waitstatus_to_exitcode(status))

{run}
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("anew", [False, True], ids=["going on", "with a loop of its own"])
def test_every_use_in_a_forked_child_is_refused_and_its_parent_is_not_disturbed(loop: str, anew: bool) -> None:
    # In a process of its own: a fork of this one would take the test's threads and captured output along.
    code = FORKING.format(loop=f"import {loop}", run=f"{loop}.run(main())", anew=anew)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # ours
    assert (done.returncode, done.stderr) == (0, "[]\n")


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhi")
    await silence(peer)


async def upgrades(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhi")
    await silence(peer)


async def cut(response: StreamedResponse) -> None:
    response.cut()


@pytest.mark.parametrize(
    "use",
    [lambda response: response.read(), lambda response: response.aclose(), cut],
    ids=["read", "aclose", "cut"],
)
async def test_a_response_is_read_on_its_own_loop(use: Callable[[StreamedResponse], Awaitable[object]]) -> None:
    async with scripted(endless) as server, Client() as client:
        response = await client.open(client.prepare("GET", server.url))
        with pytest.raises(UsageError, match="the response belongs to the event loop of another thread"):
            await asyncio.to_thread(in_a_loop, lambda: use(response))
        async for piece in response:
            assert piece == b"hi"
            break
        response.cut()


async def test_a_closed_response_has_no_body_and_no_tunnel() -> None:
    async with scripted(upgrades) as server, Client() as client:
        response = await client.open(client.prepare("GET", server.url, headers={"Upgrade": "x"}))
        await response.aclose()
        with pytest.raises(UsageError, match="the response is closed"):
            await response.read()
        with pytest.raises(UsageError, match="the response is closed"):
            _ = response.tunnel


async def test_a_response_whose_client_is_closed_says_so() -> None:
    async with scripted(endless) as server:
        client = Client()
        response = await client.open(client.prepare("GET", server.url, max_body=2_000_000))
        assert await until(lambda: response._flight._inflow.waiting == 2)
        await client.aclose()
        pieces = response.raw()
        assert await anext(pieces) == b"hi"
        with pytest.raises(UsageError, match="the client is closed"):
            await anext(pieces)


async def say(tunnel: Tunnel) -> None:
    await tunnel.write(b"x")


async def end(tunnel: Tunnel) -> None:
    tunnel.write_eof()


async def shut(tunnel: Tunnel) -> None:
    tunnel.close()


TUNNELLED: dict[str, Callable[[Tunnel], Awaitable[object]]] = {
    "read": lambda tunnel: tunnel.read(),
    "write": say,
    "write_eof": end,
    "close": shut,
}


@pytest.mark.parametrize("use", TUNNELLED)
async def test_a_tunnel_is_used_on_its_own_loop(use: str) -> None:
    async with scripted(upgrades) as server, Client() as client:
        response = await client.open(client.prepare("GET", server.url, headers={"Upgrade": "x"}))
        tunnel = response.tunnel
        with pytest.raises(UsageError, match="the tunnel belongs to the event loop of another thread"):
            await asyncio.to_thread(in_a_loop, lambda: TUNNELLED[use](tunnel))
        assert await tunnel.read() == b"hi"
        await response.aclose()


@pytest.mark.parametrize("use", [use for use in TUNNELLED if use != "close"])
@pytest.mark.parametrize("closed", ["tunnel", "response", "client"])
async def test_a_closed_tunnel_says_so(use: str, closed: str) -> None:
    async with scripted(upgrades) as server:
        client = Client()
        response = await client.open(client.prepare("GET", server.url, headers={"Upgrade": "x"}))
        tunnel = response.tunnel
        if closed == "tunnel":
            tunnel.close()
        elif closed == "response":
            await response.aclose()
        else:
            await client.aclose()
        with pytest.raises(UsageError, match=f"the {'client' if closed == 'client' else 'tunnel'} is closed"):
            await TUNNELLED[use](tunnel)
        tunnel.close()
        await client.aclose()


async def test_who_waits_at_a_tunnel_is_told_that_its_client_was_closed() -> None:
    async with scripted(upgrades) as server:
        client = Client()
        response = await client.open(client.prepare("GET", server.url, headers={"Upgrade": "x"}))
        assert await response.tunnel.read() == b"hi"
        reading = asyncio.create_task(response.tunnel.read())
        await turns(3)
        await client.aclose()
        with pytest.raises(UsageError, match="the client is closed"):
            await reading


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
