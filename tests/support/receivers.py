"""A server that letters are posted to: it keeps what it hears, and answers as a test tells it to."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from tests.support.turns import until


class Heard(msgspec.Struct, frozen=True):
    """A request that came. Names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        return msgspec.json.decode(self.body)

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return self.headers["idempotency-key"]


class Answer(msgspec.Struct, frozen=True):
    """What to say; with `hang` nothing is said, with `reset` the connection is torn."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    hang: bool = False
    reset: bool = False

    @property
    def wire(self) -> bytes:
        """As it goes out."""
        fields = (*self.headers, ("Content-Length", str(len(self.body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {self.status} Whatever\r\n{head}\r\n".encode() + self.body


OK = Answer()
HANG = Answer(hang=True)
RESET = Answer(reset=True)


class Receiver:
    """The running server. `heard` is every request, `connections` how many there were."""

    def __init__(self, answers: Sequence[Answer], *, tls: bool) -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.port = 0
        self._answers = answers or (OK,)
        self._scheme = "https" if tls else "http"
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"{self._scheme}://localhost:{self.port}"

    async def came(self, count: int = 1) -> bool:
        """Wait for so many requests."""
        return await until(lambda: len(self.heard) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as long as the client likes."""
        self._tasks.append(cast("asyncio.Task[None]", asyncio.current_task()))
        self._writers.append(writer)
        self.connections += 1
        try:
            while (heard := await _request(reader)) is not None:
                self.heard.append(heard)
                await self._say(writer, self._answers[min(len(self.heard), len(self._answers)) - 1])
        except (ConnectionError, EOFError):
            pass  # the client has gone, or was torn away
        finally:
            writer.close()

    async def stop(self) -> None:
        """End what still hangs. (A stream's task that is cancelled is reported by the loop as a failure.)"""
        self._over.set()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    async def _say(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.hang:
            await self._over.wait()
        elif answer.reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise ConnectionResetError
        else:
            writer.write(answer.wire)
            await writer.drain()


@asynccontextmanager
async def receiver(*answers: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Answer requests in order, the last answer again and again; over TLS if there is a context."""
    running = Receiver(answers, tls=context is not None)
    server = await asyncio.start_server(running.serve, "localhost", 0, family=socket.AF_INET, ssl=context)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await running.stop()


async def _request(reader: asyncio.StreamReader) -> Heard | None:
    first = await reader.read(1)
    if not first:
        return None
    head = first + await reader.readuntil(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = start.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Heard(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
