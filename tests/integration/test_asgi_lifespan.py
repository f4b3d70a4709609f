"""The lifespan of an application's clients: around its own, made anew at each start, drained and closed at each end."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

from milkrun.client import Answer, Client, UsageError
from milkrun.client.asgi import client_lifespan, client_of
from milkrun.client.asgi.clients import KEY, Stage
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, scripted, silence
from tests.support.turns import PATIENCE, turns, until

__all__ = ["anyio_backend"]

Kind = Callable[..., Any]
kinds = pytest.mark.parametrize("kind", [FastAPI, Starlette])


class Made:
    """Makes clients and keeps them, to see what becomes of them."""

    def __init__(self) -> None:
        self.clients: list[Client] = []

    def __call__(self) -> Client:
        self.clients.append(Client())
        return self.clients[-1]

    @property
    def closed(self) -> list[bool]:
        return ["closed" in repr(client) for client in self.clients]


def running(app: Any) -> AbstractAsyncContextManager[Any]:
    """The application from its start-up to its shut-down, as a server runs it."""
    context: AbstractAsyncContextManager[Any] = app.router.lifespan_context(app)
    return context


@kinds
async def test_the_clients_are_there_before_the_applications_own_start_up_and_outlive_its_shut_down(kind: Kind) -> None:
    statuses = []

    @asynccontextmanager
    async def own(app: Any) -> AsyncIterator[None]:
        statuses.append((await client_of(app).get(server.url)).status)
        yield
        statuses.append((await client_of(app, "billing").get(server.url)).status)

    made = Made()
    app = kind(lifespan=client_lifespan(own, make=made, named={"billing": made}))
    async with scripted(answers(OK)) as server:
        async with running(app):
            assert statuses == [200]
            assert made.closed == [False, False]
        assert statuses == [200, 200]
        assert made.closed == [True, True]


@kinds
async def test_what_the_applications_own_lifespan_yields_is_state_as_ever(kind: Kind) -> None:
    @asynccontextmanager
    async def own(_: Any) -> AsyncIterator[dict[str, int]]:
        yield {"answer": 42}

    async with running(kind(lifespan=client_lifespan(own))) as state:
        assert state.keys() == {"answer", KEY}
        assert state["answer"] == 42


@pytest.mark.parametrize("decorated", [asynccontextmanager, lambda own: own], ids=["decorated", "forgotten"])
async def test_a_decorator_that_was_forgotten_is_made_up_for_as_fastapi_does(decorated: Any) -> None:
    async def own(app: FastAPI) -> AsyncIterator[dict[str, Client]]:
        yield {"mine": client_of(app)}

    async with running(FastAPI(lifespan=client_lifespan(decorated(own)))) as state:
        assert state["mine"] is state[KEY].get(None)


def no_database() -> None:
    raise LookupError("no database")


async def test_a_start_up_that_fails_closes_the_clients_and_waits_for_nobody() -> None:
    @asynccontextmanager
    async def own(app: Any) -> AsyncIterator[None]:
        asking.append(asyncio.create_task(client_of(app).get(server.url)))
        assert await until(lambda: bool(server.peers))
        no_database()
        yield

    asking: list[asyncio.Task[Any]] = []
    made = Made()
    app = FastAPI(lifespan=client_lifespan(own, make=made, drain=3600.0))
    async with scripted(silence) as server:
        with pytest.raises(LookupError, match="no database"):
            await running(app).__aenter__()
        assert made.closed == [True]
        with pytest.raises(UsageError, match="the client is closed"):
            await asking[0]
    with pytest.raises(UsageError, match="no client_lifespan is running"):
        client_of(app)


async def test_a_shut_down_that_fails_closes_the_clients_and_says_why_it_failed() -> None:
    @asynccontextmanager
    async def own(_: Any) -> AsyncIterator[None]:
        yield
        no_database()

    made = Made()
    with pytest.raises(LookupError, match="no database"):
        async with running(FastAPI(lifespan=client_lifespan(own, make=made))):
            pass
    assert made.closed == [True]


async def test_if_one_of_several_clients_cannot_be_made_the_others_are_closed() -> None:
    def fail() -> Client:
        raise LookupError("no certificate")

    made = Made()
    with pytest.raises(LookupError, match="no certificate"):
        await running(FastAPI(lifespan=client_lifespan(make=made, named={"billing": fail}))).__aenter__()
    assert made.closed == [True]


async def test_each_start_makes_its_clients_anew() -> None:
    made = Made()
    app = FastAPI(lifespan=client_lifespan(make=made))
    for count in (1, 2):
        async with running(app):
            assert "closed" not in repr(client_of(app))
        assert made.closed == [True] * count


async def test_two_applications_in_one_process_have_each_their_own() -> None:
    lifespan = client_lifespan()
    one, two = FastAPI(lifespan=lifespan), Starlette(lifespan=lifespan)
    async with running(one):
        async with running(two):
            assert client_of(one) is not client_of(two)
        assert "closed" not in repr(client_of(one))


async def test_one_application_on_two_loops_at_once_has_a_client_on_each() -> None:
    made = Made()
    app = FastAPI(lifespan=client_lifespan(make=made))

    async def elsewhere() -> None:
        async with running(app):
            assert (await client_of(app).get(server.url)).status == 200

    async with scripted(answers(OK)) as server, running(app) as state:
        await asyncio.to_thread(asyncio.run, elsewhere())
        assert made.closed == [False, True]
        assert client_of(app) is state[KEY].get(None)
        assert (await client_of(app).get(server.url)).status == 200


async def test_of_two_loops_with_one_application_the_first_may_end_first() -> None:
    app = FastAPI(lifespan=client_lifespan())
    begun, go_on = threading.Event(), threading.Event()

    async def elsewhere() -> None:
        async with running(app):
            mine = client_of(app)
            begun.set()
            assert await asyncio.to_thread(go_on.wait, PATIENCE)
            assert client_of(app) is mine
        with pytest.raises(UsageError, match="no client_lifespan is running"):
            client_of(app)

    async with running(app):
        other = asyncio.create_task(asyncio.to_thread(asyncio.run, elsewhere()))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
    go_on.set()
    await other


async def test_a_routers_lifespan_adds_the_clients_that_the_application_has_not() -> None:
    outer, inner = Made(), Made()
    router = APIRouter(lifespan=client_lifespan(make=inner, named={"billing": inner, "search": inner}))
    app = FastAPI(lifespan=client_lifespan(make=outer, named={"billing": outer}))
    app.include_router(router)
    async with running(app) as state:
        assert state[KEY].names == ("default", "billing", "search")
        assert (len(outer.clients), len(inner.clients)) == (2, 1)
    assert (outer.closed, inner.closed) == ([True, True], [True])


@pytest.mark.parametrize("first", [0, 1])
async def test_two_servers_of_one_application_share_its_clients_until_the_last_one_stops(first: int) -> None:
    made = Made()
    app = FastAPI(lifespan=client_lifespan(make=made))
    servers = [running(app), running(app)]
    states = [await server.__aenter__() for server in servers]
    clients = states[0][KEY]
    await servers.pop(first).__aexit__(None, None, None)
    assert (states[1][KEY], clients.stage, made.closed) == (clients, Stage.OPEN, [False])
    assert client_of(app) is clients.get(None)
    await servers.pop().__aexit__(None, None, None)
    assert (clients.stage, made.closed) == (Stage.CLOSED, [True])


async def test_a_start_while_the_last_clients_are_drained_makes_new_ones() -> None:
    late, made = Late(), Made()
    app = FastAPI(lifespan=client_lifespan(make=made))
    async with scripted(late) as server:
        asked, ending = await stopping(app, lambda client: client.get(server.url))
        async with running(app):
            assert made.closed == [False, False]
            late.go.set()
            assert (await asked).status == 200
            await ending
            assert made.closed == [True, False]
            assert client_of(app).stats()["requests_total"] == 0


async def made_nothing() -> None:
    """What a coroutine function makes is no client."""


@pytest.mark.parametrize("make", [lambda: None, lambda: made_nothing, lambda: "https://example.org"])
async def test_what_is_made_has_to_be_a_client(make: Any) -> None:
    app = FastAPI(lifespan=client_lifespan(named={"billing": make}))
    with pytest.raises(UsageError, match=r"what makes the client 'billing' must give a milkrun.client.Client, not "):
        await running(app).__aenter__()


async def test_a_client_that_was_closed_at_the_last_end_does_not_start_again() -> None:
    client = Client()
    app = FastAPI(lifespan=client_lifespan(named={"billing": lambda: client}))
    async with running(app):
        pass
    with pytest.raises(
        UsageError, match=r"'billing' cannot be used .*: the client is closed.*make a new one at each st"
    ):
        await running(app).__aenter__()


async def test_a_client_of_another_loop_does_not_start() -> None:
    app = FastAPI(lifespan=client_lifespan(make=lambda: client))
    async with Client() as client:
        with pytest.raises(
            UsageError, match=r"'default' cannot be used .*: the client belongs to the event loop of anot"
        ):
            await asyncio.to_thread(asyncio.run, running(app).__aenter__())
        assert "closed" not in repr(client)


class Late:
    """An upstream that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            await self.go.wait()
            await peer.say(OK)


async def stopping(app: Any, work: Callable[[Client], Any]) -> tuple[asyncio.Task[Any], asyncio.Task[Any]]:
    """Start the application and a background task of it; then stop it: the task, and the shut-down under way."""
    context = running(app)
    await context.__aenter__()
    task = asyncio.create_task(work(client_of(app)))
    await turns(3)
    ending = asyncio.create_task(context.__aexit__(None, None, None))
    await turns(3)
    return task, ending


async def test_requests_under_way_may_finish_before_the_clients_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    late, made = Late(), Made()
    async with scripted(late) as server:
        asking, ending = await stopping(
            FastAPI(lifespan=client_lifespan(make=made)), lambda client: client.get(server.url)
        )
        assert await until(lambda: bool(server.peers and server.peers[0].heard))
        await turns(5)
        assert (ending.done(), made.closed) == (False, [False])
        late.go.set()
        assert (await asking).status == 200
        await ending
    assert made.closed == [True]
    assert caplog.records == []


async def test_what_is_still_asked_while_it_drains_is_answered() -> None:
    late = Late()
    late.go.set()

    async def much(client: Client) -> list[int]:
        async with client.stream("GET", server.url):  # keeps it from the close until the others are through
            return [(await client.get(server.url)).status for _ in range(20)]

    async with scripted(late) as server:
        asking, ending = await stopping(FastAPI(lifespan=client_lifespan()), much)
        assert await asking == [200] * 20
        await ending


async def test_what_is_not_finished_in_time_is_cut_off_and_told(caplog: pytest.LogCaptureFixture) -> None:
    made = Made()
    async with scripted(silence) as server:
        app = FastAPI(lifespan=client_lifespan(make=made, drain=0.05))
        asking, ending = await stopping(app, lambda client: client.get(server.url))
        await ending
        with pytest.raises(UsageError, match="the client is closed"):
            await asking
    assert caplog.record_tuples == [
        (
            "milkrun.client",
            logging.WARNING,
            f"the client 'default' is closed with requests under way: 1, to {server.url.rstrip('/')}",
        )
    ]
    assert made.closed == [True]


class Hanging:
    """A resolver that never answers."""

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError(host, fresh)

    async def close(self) -> None:
        """It holds nothing."""


async def test_a_request_without_a_connection_is_under_way_as_well(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI(lifespan=client_lifespan(make=lambda: Client(resolver=Hanging()), drain=0.0))
    asking, ending = await stopping(app, lambda client: client.get("http://example.org/"))
    await ending
    with pytest.raises(UsageError, match="the client is closed"):
        await asking
    assert caplog.messages == ["the client 'default' is closed with requests under way: 1, to nowhere yet"]


async def test_a_shut_down_that_is_cancelled_while_it_drains_closes_the_clients() -> None:
    made = Made()
    async with scripted(silence) as server:
        app = FastAPI(lifespan=client_lifespan(make=made, drain=3600.0))
        asking, ending = await stopping(app, lambda client: client.get(server.url))
        assert await until(lambda: bool(server.peers))
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert made.closed == [True]
        with pytest.raises(UsageError, match="the client is closed"):
            await asking
