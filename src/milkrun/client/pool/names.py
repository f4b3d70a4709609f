"""Names asked again while connections to them are open, so that a connection whose peer has left the answers retires.

Load balancers rotate answers, so an address has left only once several answers in a row did without it; and a question
that fails says nothing about addresses. One task a question, none and no timer of its own while all is quiet.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

from milkrun.client.dial.route import Route
from milkrun.client.errors import ClientError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.resolve.resolver import Answer, literal_family
from milkrun.client.url import Origin

C = TypeVar("C", bound=Hashable)
Resolve: TypeAlias = Callable[[Origin, Route], Awaitable[Answer]]

_LONGEST = 3600.0
_JITTER = 0.1
_MARGIN = 1.0  # seconds past an answer's end: caches below ours count in whole seconds, and would give it again
_NEVER = float("inf")


class Names(Generic[C]):
    """Watches the names of open connections; those whose address has left are told of, after each answer anew.

    Each answer counts once: a name is not asked before the last answer's TTL has passed, whoever asked in between.

    Args:
        resolve: as `Dialer.resolve`; it may raise any ClientError.
        on_left: called with a connection that should be used no more, also again while it stays open.
        deadlines: the loop's; closed by its owner.
        clock: monotonic seconds, the same as the deadlines'.
        floor: seconds between two questions at least, however short the TTL.
        patience: how many answers in a row an address has to be missing from.
        questions: how many are asked at once; the others wait their turn.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        on_left: Callable[[C], None],
        deadlines: Deadlines,
        clock: Callable[[], float],
        floor: float = 30.0,
        patience: int = 3,
        questions: int = 50,
    ) -> None:
        self._resolve = resolve
        self._on_left = on_left
        self._deadlines = deadlines
        self._clock = clock
        self._floor = floor
        self._patience = patience
        self._questions = questions
        self._names: dict[tuple[Origin, Route], _Name[C]] = {}
        self._watched: dict[C, tuple[_Name[C], str]] = {}
        self._waiting: deque[_Name[C]] = deque()
        self._asking: set[asyncio.Task[None]] = set()
        self._closed = False

    def watch(self, connection: C, origin: Origin, route: Route, address: str | None) -> None:
        """A connection was opened; ignored unless it was a name's answer that led to its address."""
        if address is None or self._closed or _is_given(origin, route):
            return
        name = self._names.get((origin, route))
        if name is None:
            name = self._names[origin, route] = _Name(origin, route, self._due)
            self._ask_in(name, self._floor * (1.0 + random.random()))  # noqa: S311  # spreads what began together
        name.add(connection, address)
        self._watched[connection] = name, address

    def unwatch(self, connection: C) -> None:
        """It was closed. The name is forgotten when it is next due, so that many short connections cost no more."""
        name, address = self._watched.pop(connection, (None, ""))
        if name is not None:
            name.remove(connection, address)

    async def close(self) -> None:
        """Ask no more, and end the questions still open."""
        self._closed = True
        asking = tuple(self._asking)
        for question in asking:
            question.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for kept in (self._names, self._watched, self._waiting):
            kept.clear()

    def _due(self, name: "_Name[C]") -> None:
        if self._closed:
            return
        if not name.peers:
            del self._names[name.origin, name.route]
        elif len(self._asking) < self._questions:
            self._ask(name)
        else:
            self._waiting.append(name)

    def _ask(self, name: "_Name[C]") -> None:
        question = asyncio.create_task(self._question(name), name=f"ask again for {name.origin.host}")
        self._asking.add(question)
        question.add_done_callback(self._asked)

    def _asked(self, question: asyncio.Task[None]) -> None:
        self._asking.discard(question)
        while self._waiting and len(self._asking) < self._questions:  # those nobody needs any more ask nothing
            self._due(self._waiting.popleft())

    async def _question(self, name: "_Name[C]") -> None:
        ttl, left = 0.0, list[C]()
        with suppress(ClientError):  # who cannot be asked has not said that anybody left
            answer = await self._resolve(name.origin, name.route)
            ttl, left = answer.ttl, name.heard({address for _, address in answer.addresses}, self._patience)
        delay = min(max(ttl, self._floor), _LONGEST)
        self._ask_in(name, delay * (1.0 + _JITTER * random.random()) + _MARGIN)  # noqa: S311  # spreads questions
        for connection in left:
            self._on_left(connection)

    def _ask_in(self, name: "_Name[C]", seconds: float) -> None:
        name.due = self._clock() + seconds
        self._deadlines.watch(name)


class _Peers(Generic[C]):
    """The connections to one address, and how many answers in a row were without it."""

    __slots__ = ("connections", "missed")

    def __init__(self) -> None:
        self.connections: set[C] = set()
        self.missed = 0


class _Name(Generic[C]):
    """What is known of one name; as `Deadlines` wants it, with `due` and `watched`."""

    __slots__ = ("_on_due", "due", "origin", "peers", "route", "watched")

    def __init__(self, origin: Origin, route: Route, on_due: "Callable[[_Name[C]], None]") -> None:
        self.origin = origin
        self.route = route
        self.peers: dict[str, _Peers[C]] = {}
        self.due = self.watched = _NEVER
        self._on_due = on_due

    def add(self, connection: C, address: str) -> None:
        peers = self.peers.get(address)
        if peers is None:
            peers = self.peers[address] = _Peers()
        peers.connections.add(connection)

    def remove(self, connection: C, address: str) -> None:
        peers = self.peers[address]
        peers.connections.remove(connection)
        if not peers.connections:
            del self.peers[address]

    def heard(self, addresses: set[str], patience: int) -> list[C]:
        """Take an answer in; gives the connections to addresses that have left."""
        left: list[C] = []
        for address, peers in self.peers.items():
            peers.missed = 0 if address in addresses else peers.missed + 1
            if peers.missed >= patience:
                left += peers.connections
        return left

    def strike(self, now: float) -> None:  # noqa: ARG002  # that it is due is enough
        """As `Watched` has it."""
        self.due = _NEVER
        self._on_due(self)


def _is_given(origin: Origin, route: Route) -> bool:
    """Whether nobody would be asked: a literal address, or a route that says where."""
    return literal_family(origin.host) is not None or bool(route.override(origin.host, origin.port))
