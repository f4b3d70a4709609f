"""The world of the model: one client under small limits, two servers worked by hand, names that a rule may move."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from milkrun.client import Client, Descriptors, Limits, RequestError
from milkrun.client.exchange.link import Closed
from milkrun.client.preparing import RequestOptions
from milkrun.client.resolve.resolver import Answer
from tests.model.calls import Call
from tests.support.descriptors import open_sockets
from tests.support.http2_origin import Http2Origin, Http2Peer, Served
from tests.support.peers import closed_port
from tests.support.puppets import Puppet, puppets
from tests.support.stepping import SteppedLoop

LIMITS = Limits(total=4, per_origin=2, handshakes=2)
EVERYWHERE = "0.0.0.0"  # noqa: S104  # names may lead to any address of the loopback network
ADDRESSES = ("127.0.0.1", "127.0.0.2")
PLAIN = ("one.test", "two.test")
SHARING = ("three.test", "four.test")
NOBODY = "five.test"


class Names:
    """A Resolver: where each name leads; None: nowhere. `open` holds the answers back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.addresses: dict[str, str | None] = dict.fromkeys((*PLAIN, *SHARING, NOBODY), ADDRESSES[0])

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:  # noqa: ARG002  # as `Resolver` has it
        await self.open.wait()
        address = self.addresses[host]
        if address is None:
            raise RequestError("dns", "not-found", "there is no such name")
        return Answer(addresses=((socket.AF_INET, address),), ttl=60, cached=False)

    async def close(self) -> None:
        """Nothing is open."""


class World:
    """Everything that rules work on; `run` lets it go on."""

    def __init__(self, budget: int, *, max_uses: int | None, max_age: float, idle_expiry: float) -> None:
        self.loop = SteppedLoop()
        self.names = Names()
        self.descriptors = Descriptors(budget)
        self.others = 0  # descriptors held by another client of the process
        self.calls: list[Call] = []
        self.answered: set[Served] = set()
        self._half: set[Served] = set()
        self._last: dict[Http2Peer, int] = {}  # the last stream that each will answer, after its GOAWAY
        self._max_uses, self._max_age, self._idle_expiry = max_uses, max_age, idle_expiry
        self._count = 0
        self._stack = AsyncExitStack()
        self._sharing = Http2Origin(_wait, None, {}, credit=True)
        self.loop.finish(self._serve())
        self._sockets = open_sockets()
        self.client = self.new_client()

    def new_client(self) -> Client:
        """Another client with the same budget."""
        return Client(
            limits=LIMITS,
            descriptors=self.descriptors,
            resolver=self.names,
            max_uses=self._max_uses,
            max_age=self._max_age,
            idle_expiry=self._idle_expiry,
            clock=self.loop.time,
        )

    def run(self, turns: int | None) -> None:
        """Let so many turns of the loop pass; None: until nothing moves any more."""
        if turns is None:
            self.loop.settle()
        else:
            self.loop.turn(turns)

    def pass_time(self, seconds: float, steps: int) -> None:
        """Put the clock forward in so many steps, and let happen what is due."""
        for _ in range(steps):
            self.loop.moment += seconds / steps
            self.loop.settle()

    def start(self, host: str, kind: str, timeout: float, options: RequestOptions) -> None:
        """Send a request."""
        self._count += 1
        token = b"/%d" % self._count
        if host in SHARING:
            options["http2"] = "prior-knowledge"
        call = Call(token, f"http://{host}:{self._ports[host]}{token.decode()}", kind, options, timeout)
        self.calls.append(call)
        call.begin(self.client, self.loop)

    def cancel(self, calls: list[Call]) -> None:
        """Have those who sent these requests go away."""
        for call in calls:
            call.is_cancelled = True
            call.task.cancel()

    @property
    def puppets(self) -> list[Puppet]:
        """The connections to the HTTP/1.1 server that are open."""
        return [puppet for puppet in self._plain.puppets if not puppet.lost]

    @property
    def peers(self) -> list[Http2Peer]:
        """The connections to the HTTP/2 server that are open."""
        return [peer for peer in self._sharing.peers if not peer.lost]

    @property
    def streams(self) -> list[Served]:
        """The requests that the HTTP/2 server still has to answer."""
        return [stream for peer in self.peers for stream in peer.streams if self._is_expected(stream)]

    @property
    def complaints(self) -> Iterator[object]:
        """What anybody found wrong with what the client did."""
        yield from self._plain.complaints
        yield from self._sharing.complaints
        yield from self.loop.complaints

    @property
    def sockets(self) -> int:
        """How many sockets the client has open, by what the kernel says."""
        return open_sockets() - self._sockets - len(self.puppets) - len(self.peers)

    def respond(self, stream: Served, does: str) -> None:
        """Have a stream answered, in whole or in part, or reset."""
        with suppress(ProtocolError):  # the client has said goodbye, and the loss of the connection is still to come
            if does in ("interim", "head"):
                self._begin(stream, interim=does == "interim")
            else:
                self._end(stream, does)

    def _begin(self, stream: Served, *, interim: bool) -> None:
        if stream not in self._half:
            stream.head(100 if interim else 200)
            if not interim:
                self._half.add(stream)

    def _end(self, stream: Served, does: str) -> None:
        if does in ("reset", "refuse"):
            stream.reset(ErrorCodes.REFUSED_STREAM if does == "refuse" else ErrorCodes.INTERNAL_ERROR)
        elif stream in self._half:
            self.loop.run_until_complete(stream.say(stream.path, end=True))
        else:
            self.loop.run_until_complete(stream.respond(200, stream.path))
        self.answered.add(stream)

    def answer_all(self) -> None:
        """Have every request answered that has arrived."""
        for puppet in self.puppets:
            if puppet.path is not None:
                getattr(puppet, "rest" if puppet.is_half else "whole")()
        for stream in self.streams:
            self.respond(stream, "whole")

    def upset(self, peer: Http2Peer, does: str) -> None:
        """Have a connection of HTTP/2 closed in one of several ways, or its limit of streams changed."""
        if does in ("goaway", "leave"):
            last = 0 if does == "leave" else max((stream.id for stream in peer.streams), default=0)
            peer.goaway(last)
            self._last[peer] = min(last, self._last.get(peer, last))
        elif does in ("narrow", "widen"):
            with suppress(ProtocolError):  # as above
                peer.change({SettingCodes.MAX_CONCURRENT_STREAMS: 1 if does == "narrow" else 100})
        elif does == "rubbish":
            peer.raw(b"rubbish" * 10)
        else:
            getattr(peer, does)()

    def share(self) -> None:
        """Let another client of the process open a connection, if the budget allows it, or close its own."""
        if self.others:
            self.others -= 1
            self.descriptors.release()
        elif self.descriptors.acquire():
            self.others += 1

    def under_way(self) -> list[Call]:
        """The calls that are not over."""
        return [call for call in self.calls if not call.task.done()]

    def close_client(self) -> None:
        """Close it, and with it everything that is under way; begin anew with another."""
        self.loop.finish(self.client.aclose())
        self.names.open.set()
        for call in self.calls:
            call.go.set()
        self.loop.settle()

    def end(self) -> None:
        """Leave nothing open."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        for connection in tuple(self.client._pool._connections):  # none, unless something is wrong
            connection.abandon(Closed.CLIENT)
        for peer in self.peers:
            peer.reset()
        self.loop.settle()
        self.loop.finish(self._stack.aclose())
        self.loop.close()

    def _is_expected(self, stream: Served) -> bool:
        is_over = stream.code is not None or stream in self.answered
        return not is_over and stream.id <= self._last.get(stream.peer, stream.id)

    async def _serve(self) -> None:
        self._plain = await self._stack.enter_async_context(puppets(EVERYWHERE))
        serving = await self.loop.create_server(lambda: Http2Peer(self._sharing), EVERYWHERE, 0)
        self._stack.callback(serving.close)
        sharing = serving.sockets[0].getsockname()[1]
        self._ports = dict.fromkeys(PLAIN, self._plain.port) | dict.fromkeys(SHARING, sharing) | {NOBODY: closed_port()}


async def _wait(stream: Served) -> None:
    """A rule will answer."""
