"""The proxy's listener, and every connection that it has open."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.fault_proxy.pair import Pair
from tests.support.fault_proxy.plan import Fault, Kind, Phase, Plan
from tests.support.fault_proxy.wires import Records, Wire
from tests.support.peers import black_hole

HOST = "127.0.0.1"


class FaultProxy:
    """A proxy on a port of its own: `url` leads through it."""

    def __init__(self, origin: int, context: ssl.SSLContext | None, *, http2: bool) -> None:
        self._origin = origin
        self._context = context
        self._http2 = http2
        self._plan = Plan()
        self._pairs: dict[asyncio.Task[None], Pair] = {}
        self._full = contextlib.ExitStack()  # what fills the queue of a stalled listener
        self.port = 0
        self._listen()
        self.url = f"{'http' if context is None else 'https'}://{HOST}:{self.port}/"

    @property
    def struck(self) -> asyncio.Event:
        """Set once the fault imposed last is done."""
        return self._plan.struck

    async def impose(self, fault: Fault) -> None:
        """Do this once: to the first new connection that gets there; if its phase is CONNECT or IDLE, now."""
        self._plan.make(fault)
        if fault.phase is Phase.CONNECT:
            await self._shut(fault.kind)
        if fault.phase is Phase.IDLE:
            for pair in self._pairs.values():
                pair.call(fault)

    async def heal(self) -> None:
        """Do nothing wrong to further connections."""
        self._plan.make(None)
        if self._listener.fileno() < 0:
            self._full.close()
            self._listen()

    async def aclose(self) -> None:
        """Close the listener and every connection."""
        await self._stop_listening()
        self._full.close()
        for task in self._pairs:
            task.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _shut(self, kind: Kind) -> None:
        await self._stop_listening()
        if kind is Kind.STALL:
            self._full.enter_context(black_hole(HOST, self.port))
        self._plan.struck.set()

    def _listen(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=128)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def _stop_listening(self) -> None:
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            wire = Wire(sock) if self._context is None else Records(sock)
            pair = Pair(wire, self._plan, origin=self._origin, context=self._context, http2=self._http2)
            task = loop.create_task(pair.run())
            self._pairs[task] = pair
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._pairs.pop(task).close()  # its task may have been cancelled before its first step


@asynccontextmanager
async def fault_proxy(
    origin: int, *, context: ssl.SSLContext | None = None, http2: bool = False
) -> AsyncIterator[FaultProxy]:
    """Stand in front of the origin at this port of the loopback, which does not speak TLS, with TLS or without."""
    proxy = FaultProxy(origin, context, http2=http2)
    try:
        yield proxy
    finally:
        await proxy.aclose()
