"""The origin server for machines without nginx: the same ports, answer and count of accepts, on uvloop.

Run as `python -m benchmarks.small_origin FIRST_PORT CERTIFICATE KEY`.
"""

import asyncio
import resource
import ssl
import sys
from typing import cast

import httptools
import uvloop

from benchmarks.origins import BODY, TLS_PORTS


def _answer(body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Counter:
    """Connections accepted and requests answered so far."""

    accepts = 0
    requests = 0


class Answering(asyncio.Protocol):
    """One connection: a fixed answer to every request."""

    transport: asyncio.Transport
    answer = _answer(BODY)

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it; nobody but this machine is served."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._counter.accepts += 1
        if not self.transport.get_extra_info("peername")[0].startswith("127."):
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer, and close where the client asked for it."""
        self._counter.requests += 1
        self.transport.write(self.answer)
        if not self._parser.should_keep_alive():
            self.transport.close()


class Status(Answering):
    """The count, in the words of nginx's stub_status."""

    def on_message_complete(self) -> None:
        """Answer with the count."""
        count = self._counter
        count.requests += 1
        counts = f"{count.accepts} {count.accepts} {count.requests}"
        self.transport.write(_answer(f"server accepts handled requests\n {counts}\n"))


async def serve(base: int, certificate: str, key: str) -> None:
    """Listen until terminated."""
    loop = asyncio.get_running_loop()
    counter = Counter()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    everywhere = "0.0.0.0"  # noqa: S104 - the only listen that answers on all of 127.0.0.0/8
    await loop.create_server(lambda: Answering(counter), everywhere, base, backlog=4096)
    await loop.create_server(lambda: Status(counter), "127.0.0.1", base + 1)
    for port in range(base + 2, base + 2 + TLS_PORTS):
        await loop.create_server(lambda: Answering(counter), everywhere, port, ssl=context, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
