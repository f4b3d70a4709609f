"""One origin: the gate to it, its connections, and what is learnt of it."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from milkrun.client.exchange.link import Link
from milkrun.client.http1.connection import Connection
from milkrun.client.pool.gate import Gate
from milkrun.client.pool.learnt import Learnt

if TYPE_CHECKING:  # a lane only keeps what others call
    from milkrun.client.http2.connection import Http2Connection


class Lane(Gate):
    """One origin, under one set of options: its connections, and the gate to them.

    It is its gate, and does not have one, for with many origins each object that a request visits costs as much as
    a function call: it is no longer in the processor's cache.

    Attributes:
        key: what its connections are pooled by.
        open: how many connections it has.
        top: of the stack of idle ones that carry one exchange at a time; they hold each other, no list to visit.
        shared: those that carry many at once, the newest last; None: it never had one.
        opening: while a first connection is on its way and may turn out to be one to share: resolved when that is
            known, with how many it carries.
        learnt: see there.
    """

    __slots__ = ("key", "learnt", "open", "opening", "shared", "top")

    def __init__(self, key: str, limit: int, name: str, learnt: Learnt) -> None:
        super().__init__(limit, name)
        self.key = key
        self.open = 0
        self.top: Connection | None = None
        self.shared: list[Http2Connection] | None = None
        self.opening: asyncio.Future[None] | None = None
        self.learnt = learnt

    def __repr__(self) -> str:
        # The key's other parts may name proxies and files.
        return f"<Lane {self.key.partition(' ')[0]}: {self.open} open, {self.used} in use, {self.waiting} waiting>"

    def __iter__(self) -> Iterator[Link]:
        """The idle connections, that used last first."""
        connection = self.top
        while connection is not None:
            yield connection
            connection = connection.below
        for shared in reversed(self.shared or ()):
            if shared.is_idle:
                yield shared

    def unstack(self, connection: Connection) -> None:
        """Take an idle connection out of the stack, wherever it lies; a stack is as high as the gate is wide."""
        if self.top is connection:
            self.top = connection.below
        else:
            above = cast("Connection", self.top)
            while above.below is not connection:
                above = cast("Connection", above.below)
            above.below = connection.below
        connection.below = None
        connection.is_idle = False

    def unshare(self, connection: Link) -> None:
        """Offer a shared connection to nobody any more."""
        self.shared = [other for other in self.shared or () if other is not connection]
        connection.is_idle = False

    def settle(self) -> None:
        """It is known what the connection on its way can carry, or that there is none: let go who waits for that."""
        opening, self.opening = self.opening, None
        if opening is not None and not opening.done():
            opening.set_result(None)
