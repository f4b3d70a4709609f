"""One connection to the proxy, and the one that it opens to the origin for it."""

import asyncio
import ssl
from typing import NoReturn

from tests.support.fault_proxy.places import place
from tests.support.fault_proxy.plan import Fault, Phase, Plan
from tests.support.fault_proxy.strikes import STRIKES, ResetError, Spot, TruncatedError
from tests.support.fault_proxy.wires import Line, Session, Wire
from tests.support.turns import turns

_READING = 20  # turns of the loop, in which a client reads what was sent: a reset would discard it
_SAID_BY_SERVER = (Phase.ANSWER, Phase.HEAD, Phase.BODY, Phase.CHUNK, Phase.AGAIN)


class _GoneError(Exception):
    """The client has said all: there is nobody to pass anything on to."""


class Pair:
    """Passes on what either end says, and does the plan's fault when it comes by its place.

    Args:
        wire: to the client.
        origin: a port.
        context: of the server's side of TLS; None: there is none.
        http2: the places are those of HTTP/2's frames.
    """

    def __init__(self, wire: Wire, plan: Plan, *, origin: int, context: ssl.SSLContext | None, http2: bool) -> None:
        self._wire = wire
        self._line: Line = wire
        self._plan = plan
        self._origin = origin
        self._context = context
        self._http2 = http2
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._called: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()

    def call(self, fault: Fault) -> None:
        """Do this fault now."""
        if not self._called.done():
            self._called.set_result(fault)

    async def run(self) -> None:
        """Serve the connection until either end or a fault ends it."""
        try:
            await self._converse()
        except* ResetError:
            self._wire.reset()
        except* (TruncatedError, _GoneError, OSError):  # ssl.SSLError is an OSError
            self.close()

    def close(self) -> None:
        """Close the connection to the client; harmless when repeated."""
        self._wire.close()

    async def _converse(self) -> None:
        fault = self._plan.take(Phase.ACCEPT)
        if fault is not None:
            await self._strike(fault, self._wire, b"")
        if self._context is not None:
            self._line = await self._shake_hands(self._context)
        async with Wire.to(self._origin) as origin, asyncio.TaskGroup() as ways:
            ways.create_task(self._up(origin))
            ways.create_task(self._down(origin))
            ways.create_task(self._on_call())

    async def _shake_hands(self, context: ssl.SSLContext) -> Session:
        session = Session(self._wire, context)
        flight = await session.first_flight()
        fault = self._plan.take(Phase.HANDSHAKE)
        if fault is None:
            await self._wire.send(flight)
        else:
            middle = len(flight) // 2
            await self._wire.send(flight[:middle])
            await self._strike(fault, self._wire, flight[middle:])
        await session.shake_hands()
        return session

    async def _up(self, origin: Wire) -> NoReturn:
        await self._pass_on(self._line, origin, Phase.REQUEST)
        await self._line.finish()
        raise _GoneError

    async def _down(self, origin: Wire) -> None:
        await self._pass_on(origin, self._line, *_SAID_BY_SERVER)
        await self._line.finish()

    async def _on_call(self) -> None:
        await self._strike(await self._called, self._line, b"")

    async def _pass_on(self, source: Line, sink: Line, *phases: Phase) -> None:
        planned = self._plan.next
        here = place(planned.phase, http2=self._http2) if planned is not None and planned.phase in phases else None
        while data := await source.receive():
            await self._flowing.wait()
            before = None if here is None else here.within(data)
            fault = None if before is None else self._plan.take(*phases)
            if fault is None:
                await sink.send(data)
            else:
                await sink.send(data[:before])
                await self._strike(fault, sink, data[before:])

    async def _strike(self, fault: Fault, sink: Line, rest: bytes) -> None:
        await turns(_READING)
        self._plan.struck.set()
        await STRIKES[fault.kind](Spot(self._line, sink, rest, self._flowing), fault.seconds)
        await self._flowing.wait()
