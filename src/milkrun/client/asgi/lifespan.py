"""The lifespan of an application that makes its clients, around the lifespan of its own."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import MappingProxyType
from typing import Any, TypeAlias

from milkrun.client.asgi.clients import DEFAULT, KEY, Clients, Make, Stage, checked
from milkrun.client.asgi.drain import drain as drained
from milkrun.client.client import Client
from milkrun.client.errors import UsageError

State: TypeAlias = Mapping[str, Any]
Own: TypeAlias = Callable[[Any], AbstractAsyncContextManager[State | None]]
Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[State]]

_NOTHING: Mapping[str, Make] = MappingProxyType({})


def client_lifespan(
    own: Own | None = None, *, make: Make = Client, named: Mapping[str, Make] = _NOTHING, drain: float = 10.0
) -> Lifespan:
    """A lifespan for `FastAPI(lifespan=…)` or `Starlette(lifespan=…)`; also a decorator of the application's own.

    The clients are made when the application starts: in each worker process and on each event loop anew. They are
    there before the application's own start-up, where `client_of(app)` gives them, and outlive its shut-down. Then
    requests under way may finish, and the clients are closed; a log line says what was cut off.

    On a router it makes the clients that the application has not, by name; the others it shares. So do two servers of
    one application on one loop; the last one to stop closes them.

    Args:
        own: the application's own lifespan; what it yields becomes state of the requests as ever.
        make: makes the default client.
        named: makes the others, by name.
        drain: the most seconds to wait for requests under way at the end.

    Raises:
        UsageError: what should make clients does not.
    """
    if DEFAULT in named:
        raise UsageError(f"the client {DEFAULT!r} is the one without a name: give what makes it as make=")
    if not drain >= 0:
        raise UsageError(f"drain={drain!r}: expected seconds, 0 or more")
    makers = {DEFAULT: make, **named}
    checked(makers)
    inner = _context(own)

    def lifespan(app: Any) -> AbstractAsyncContextManager[State]:
        if not hasattr(app, "router"):
            raise UsageError(
                f"expected an application of FastAPI or Starlette, not {app!r}; "
                "a lifespan of its own goes in together with the options: client_lifespan(lifespan, drain=…)"
            )
        return _running(app, inner, makers, drain)

    return lifespan


@asynccontextmanager
async def _running(app: Any, own: Own, makers: Mapping[str, Make], drain: float) -> AsyncIterator[State]:
    async with _clients(app, makers, drain) as clients, own(app) as state:
        yield {**(state or {}), KEY: clients}
        clients.expect_the_end()


@asynccontextmanager
async def _clients(app: Any, makers: Mapping[str, Make], seconds: float) -> AsyncIterator[Clients]:
    clients = _joined(app, asyncio.get_running_loop())
    clients.holders += 1
    try:
        for name in [name for name in makers if name not in clients.names]:
            await clients.add(name, makers[name])
        yield clients
    finally:
        clients.holders -= 1
        if not clients.holders:
            # A start that failed, and a server that is torn down, wait for nobody.
            await drained(clients.lent, 0.0 if clients.stage is Stage.OPEN else seconds)
            clients.stage = Stage.CLOSED
            _withdraw(app.router, clients)


def _joined(app: Any, loop: asyncio.AbstractEventLoop) -> Clients:
    # At the router: it is what a request knows of the application around, also where an application is mounted.
    there: Clients | None = getattr(app.router, KEY, None)
    if there is None or there.loop is not loop or there.stage is not Stage.OPEN:
        # Those of another loop are of the same application all the same: two tests run it at once.
        there = Clients(loop, there)
        setattr(app.router, KEY, there)
    return there


def _withdraw(router: Any, clients: Clients) -> None:
    before = clients.before
    if getattr(router, KEY, None) is not clients:
        return  # another loop's, which began later
    if before is not None and before.stage is Stage.OPEN:
        setattr(router, KEY, before)
    else:
        delattr(router, KEY)


def _context(own: Own | None) -> Own:
    if own is None:
        return lambda _: nullcontext()
    try:
        inspect.signature(own).bind("the application")
    except TypeError as err:
        raise UsageError(
            f"client_lifespan({own!r}): expected the application's own lifespan, a function of the application; "
            "without one it is FastAPI(lifespan=client_lifespan()), and what makes the client goes in as make="
        ) from err
    # The decorator forgotten: FastAPI makes up for it, so a lifespan that worked there works here.
    return asynccontextmanager(own) if inspect.isasyncgenfunction(own) else own
