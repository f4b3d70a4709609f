"""Who made what: the clients and connections of the test that runs, and those that are there for longer."""

import os
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec

from milkrun.client import Client
from milkrun.client.guard.calling import Trail, trail
from milkrun.client.guard.observers import Dial
from milkrun.client.kernel import TcpState, open_sockets, tcp_sockets


class Made(msgspec.Struct):
    """A client: its class, the stack that made it, whether it is to outlive the test, whether it has been closed."""

    what: str
    trail: Trail
    lasting: bool
    closed: bool = False


class Dialled(msgspec.Struct):
    """A connection: where to, the stack, whether whoever opened it is to outlive the test, the ports it had here."""

    origin: str
    trail: Trail
    lasting: bool
    ports: set[int] = msgspec.field(default_factory=set)


class Account(msgspec.Struct):
    """What one test did.

    Attributes:
        before: the sockets that are not its own, by their inodes.
        served: the ports at which such a socket listens: what it accepts is its owner's to close.
        clients, dialled: what the test made.
    """

    before: set[int]
    served: set[int] = msgspec.field(default_factory=set)
    clients: list[Made] = msgspec.field(default_factory=list)
    dialled: list[Dialled] = msgspec.field(default_factory=list)


class Ledger:
    """The observer of a test run.

    What is made outside of tests, or by a fixture that outlives its test, lasts: also the connections that a lasting
    client opens for a test.
    """

    def __init__(self) -> None:
        self.by_inode: dict[int, Dialled] = {}
        self._account: Account | None = None
        self._lasting = 0
        self._clients: dict[int, tuple[weakref.ref[object], Made]] = {}
        self._dials: weakref.WeakKeyDictionary[Dial, Dialled] = weakref.WeakKeyDictionary()

    def begin(self) -> None:
        """A test begins."""
        self.by_inode.clear()
        self._account = Account(open_sockets())

    def before_teardown(self) -> None:
        """Its fixtures are about to close what they have, and after the last test also those that outlive tests."""
        account = self._account
        if account is not None and open_sockets() - account.before:
            listening = (row for row in tcp_sockets() if row.state == TcpState.LISTEN)
            account.served = {row.local_port for row in listening if row.inode in account.before}

    def end(self) -> Account | None:
        """It has ended: its account, if it had begun."""
        account, self._account = self._account, None
        return account

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Inside, what is made is to outlive the test."""
        before = open_sockets()
        self._lasting += 1
        try:
            yield
        finally:
            self._lasting -= 1
            if self._account is not None:
                self._account.before |= open_sockets() - before

    def constructed(self, client: object, what: str, frame: FrameType) -> None:
        """See `Observer`."""
        if id(client) in self._clients:
            return
        made = Made(what, trail(frame), self._account is None or self._lasting > 0)
        self._know(client, made)
        if isinstance(client, Client):  # its connections are opened by tasks in which only its dialer is seen
            self._know(client._dialer, made)  # noqa: SLF001  # as above: nobody else needs to know it
        if self._account is not None and not made.lasting:
            self._account.clients.append(made)

    def closed(self, client: object) -> None:
        """See `Observer`."""
        known = self._clients.get(id(client))
        if known is not None:
            known[1].closed = True

    def setting_out(self, dial: Dial, frame: FrameType) -> None:
        """See `Observer`."""
        lasting = self._account is None or self._lasting > 0 or self._lasts(frame)
        self._dials[dial] = dialled = Dialled(dial.origin, dial.trail, lasting)
        if self._account is not None:
            self._account.dialled.append(dialled)

    def opened(self, dial: Dial) -> None:
        """See `Observer`. What counts here is the socket."""

    def reached(self, dial: Dial, descriptor: int) -> None:
        """See `Observer`."""
        dialled = self._dials.get(dial)
        if dialled is None:  # whoever set out had done so before the ledger was there
            return
        self.by_inode[os.fstat(descriptor).st_ino] = dialled
        with socket.socket(fileno=os.dup(descriptor)) as same:
            dialled.ports.add(same.getsockname()[1])

    def forked(self) -> None:
        """See `Observer`. A child runs no tests of this run."""

    def _know(self, owner: object, made: Made) -> None:
        key = id(owner)
        self._clients[key] = weakref.ref(owner, lambda _: self._clients.pop(key, None)), made

    def _lasts(self, frame: FrameType | None) -> bool:
        """Whether the nearest client among those that run is one that lasts."""
        while frame is not None:
            known = self._clients.get(id(frame.f_locals.get("self")))
            if known is not None:
                return known[1].lasting
            frame = frame.f_back
        return False
