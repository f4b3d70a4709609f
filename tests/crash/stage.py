"""The world around Milkrun, in a process that survives it: the endpoints that fail by plan, and the receiver of alerts.

Run as `python -m tests.crash.stage PLAN.json DELIVERIES.jsonl`; it prints its two ports, endpoints' first, and serves
until its standard input ends. A delivery is written down before it is answered.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import BinaryIO, cast

import httptools
import msgspec
import uvloop

from tests.crash.plan import Manner, Plan, Schedule, manner

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'
_FAILING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived at the receiver, and when (epoch seconds)."""

    at: float
    body: msgspec.Raw


class Asked(asyncio.Protocol):
    """One connection that is asked something, again and again."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)


class Endpoints(Asked):
    """One connection to the monitored service: /17 is the seventeenth endpoint."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self._schedule = schedule
        self._url = b""

    def on_url(self, url: bytes) -> None:
        """Which endpoint is asked for."""
        self._url = url

    def on_message_complete(self) -> None:
        """Answer as the plan has it at this moment."""
        failing = self._schedule.fails(int(self._url[1:]), time.time())
        self.transport.write(_FAILING if failing else _OK)


class Receiver(Asked):
    """One connection to the receiver of alerts, which is down a third of the time, in three manners."""

    def __init__(self, plan: Plan, written: BinaryIO) -> None:
        super().__init__()
        self._plan = plan
        self._written = written
        self._body = b""

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Take it, or behave as the plan has it."""
        match manner(self._plan, time.time()):
            case Manner.TAKES:
                delivery = Delivery(at=time.time(), body=msgspec.Raw(self._body))
                self._written.write(msgspec.json.encode(delivery) + b"\n")
                self._written.flush()
                self.transport.write(_OK)
            case Manner.REFUSES:
                self.transport.write(_FAILING)
            case Manner.RESETS:
                self.transport.abort()
            case Manner.HANGS:
                pass
        self._body = b""


async def _main(plan: Plan, deliveries: Path) -> None:
    loop, schedule = asyncio.get_running_loop(), Schedule(plan)
    with deliveries.open("ab") as written:
        endpoints = await loop.create_server(lambda: Endpoints(schedule), "127.0.0.1", 0, backlog=2_048)
        receiver = await loop.create_server(lambda: Receiver(plan, written), "127.0.0.1", 0, backlog=128)
        ports = [server.sockets[0].getsockname()[1] for server in (endpoints, receiver)]
        sys.stdout.write(f"{ports[0]} {ports[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        for server in (endpoints, receiver):
            server.close()


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    uvloop.run(_main(plan, Path(sys.argv[2])))
