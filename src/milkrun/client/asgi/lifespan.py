"""The lifespan of an application that makes its clients, around the lifespan of its own."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import MappingProxyType
from typing import Any, TypeAlias

from milkrun.client.asgi.clients import DEFAULT, KEY, Clients, Make, Stage, checked
from milkrun.client.asgi.drain import drain as drained
from milkrun.client.asgi.lent import Lent
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

    On a router it makes the clients that the application has not, by name; the others it shares.

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

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[State]:
        async with _clients(app, makers, drain) as clients, inner(app) as state:
            yield {**(state or {}), KEY: clients}
            clients.stage = Stage.DRAINING  # from the first moment of the shut-down

    return lifespan


@asynccontextmanager
async def _clients(app: Any, makers: Mapping[str, Make], seconds: float) -> AsyncIterator[Clients]:
    loop = asyncio.get_running_loop()
    before: Clients | None = getattr(app.state, KEY, None)
    # Those of another loop are of the same application all the same: two tests run it at once.
    clients = before if before is not None and before.loop is loop else Clients(loop)
    setattr(app.state, KEY, clients)
    made: dict[str, Lent] = {}
    try:
        for name in [name for name in makers if name not in clients.names]:
            made[name] = await clients.add(name, makers[name])
        yield clients
    finally:
        # A start that failed, and a server that is torn down, wait for nobody.
        await drained(made, 0.0 if clients.stage is Stage.OPEN else seconds)
        if clients is not before:
            clients.stage = Stage.CLOSED
            _withdraw(app, clients, before)


def _withdraw(app: Any, clients: Clients, before: Clients | None) -> None:
    if getattr(app.state, KEY, None) is not clients:
        return  # another loop's, which began later
    if before is not None and before.stage is Stage.OPEN:
        setattr(app.state, KEY, before)
    else:
        delattr(app.state, KEY)


def _context(own: Own | None) -> Own:
    if own is None:
        return lambda _: nullcontext()
    # The decorator forgotten: FastAPI makes up for it, so a lifespan that worked there works here.
    return asynccontextmanager(own) if inspect.isasyncgenfunction(own) else own
