"""The clients of one application while it runs, by name."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self, TypeAlias

from milkrun.client.asgi.lent import Lent, lend
from milkrun.client.client import Client
from milkrun.client.errors import UsageError
from milkrun.client.stats import Stats

DEFAULT = "default"  # the name of the one that has none
KEY = "milkrun_clients"  # where they are in the state of requests, and at the application's router

Make: TypeAlias = Callable[[], Client]

_SHUT_DOWN = "the application has shut down, and its clients are closed"


class Stage(StrEnum):
    """How far an application's life has come."""

    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


class Clients:
    """What `client_lifespan` makes at the start of an application.

    Args:
        loop: that the application runs on.
        before: those that the application has on another loop already.

    Attributes:
        stage: of the application's life.
        holders: how many lifespans use them: the application's own, its routers', that of a second server.
        lent: each, by name.
        faces: what stands for a client to those who know another interface; kept here as long as the clients are.
    """

    def __init__(self, loop: AbstractEventLoop, before: Self | None = None) -> None:
        self.loop = loop
        self.before = before
        self.stage = Stage.OPEN
        self.holders = 0
        self.faces: dict[Client, Any] = {}
        self.lent: dict[str, Lent] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all clients, in the order in which they were made."""
        return tuple(self.lent)

    def get(self, name: str | None) -> Client:
        """The client of this name, or without one the default. Raises UsageError: there is none, or none any more."""
        if self.stage is Stage.CLOSED:
            raise UsageError(_SHUT_DOWN)
        client = self.lent.get(DEFAULT if name is None else name)
        if client is None:
            there = ", ".join(map(repr, self.lent))
            raise UsageError(
                f"there is no client named {name!r}, there are: {there}; "
                f"make it at the start: client_lifespan(named={{{name!r}: lambda: Client(…)}})"
            )
        return client

    def stats(self) -> dict[str, Stats]:
        """The figures of each client, also after their close."""
        return {name: client.stats() for name, client in self.lent.items()}

    def expect_the_end(self) -> None:
        """The shut-down of one who holds them has begun: if nobody else does, they drain from this moment on."""
        if self.holders == 1:
            self.stage = Stage.DRAINING

    async def add(self, name: str, make: Make) -> None:
        """Make a client; it belongs to this loop from now on. Raises UsageError: what was made cannot be used."""
        client = make()
        if not isinstance(client, Client):
            raise UsageError(f"what makes the client {name!r} must give a milkrun.client.Client, not {client!r}")
        try:
            await client.__aenter__()
        except UsageError as err:
            raise UsageError(
                f"the client {name!r} cannot be used by this application: {err}. "
                "Have client_lifespan make a new one at each start: make=, named="
            ) from err
        self.lent[name] = lend(client)


def checked(makers: Mapping[str, Make]) -> None:
    """Raise UsageError for what makes no clients, where it is written and not when the application starts."""
    for name, make in makers.items():
        if isinstance(make, Client):
            raise UsageError(
                f"the client {name!r} was made already, before there is a process and an event loop for it; "
                "give what makes it: lambda: Client(…)"
            )
        if not callable(make):
            raise UsageError(f"what makes the client {name!r} must be callable without arguments, not {make!r}")
