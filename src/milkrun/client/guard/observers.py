"""Those who are told what the patched libraries do, while there are any."""

import os
from types import FrameType
from typing import Protocol

from milkrun.client.guard.calling import Trail


class Dial:
    """One connection that somebody sets out to open, whatever number of addresses that takes.

    Attributes:
        origin: "name:port" where the name is known, else "ip:port" or "[ip]:port".
        trail: the stack that asked for it, see `calling.trail`; its last is where.
        opened: whether a socket has begun to connect.
        over: whether the call that opened it has ended; what runs later in its context is something else.
    """

    __slots__ = ("__weakref__", "opened", "origin", "over", "trail")

    def __init__(self, origin: str, trail: Trail) -> None:
        self.origin = origin
        self.trail = trail
        self.opened = self.over = False


class Observer(Protocol):
    """What an observer is told. It may be told from any thread."""

    def constructed(self, client: object, what: str, frame: FrameType) -> None:
        """A client, "httpx2.AsyncClient" or a subclass of it, has been constructed by `frame`."""

    def closed(self, client: object) -> None:
        """It is being closed, for the first time or again."""

    def setting_out(self, dial: Dial, frame: FrameType) -> None:
        """`frame` is about to open a connection."""

    def opened(self, dial: Dial) -> None:
        """Its first socket is about to connect."""

    def reached(self, dial: Dial, descriptor: int) -> None:
        """This socket connects, or has connected, for it."""

    def forked(self) -> None:
        """This is a forked child: locks may be held by threads that are not here."""


class Roll:
    """The observers of this process. To read `observers` takes no lock."""

    __slots__ = ("observers",)

    def __init__(self) -> None:
        self.observers: tuple[Observer, ...] = ()

    def add(self, observer: Observer) -> None:
        """From now on it is told."""
        self.observers = (*self.observers, observer)

    def remove(self, observer: Observer) -> None:
        """It is told no more. Harmless when repeated."""
        self.observers = tuple(one for one in self.observers if one is not observer)

    def forked(self) -> None:
        """Tell all of it."""
        for observer in self.observers:
            observer.forked()


roll = Roll()
os.register_at_fork(after_in_child=roll.forked)
