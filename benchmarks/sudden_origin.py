"""An origin that all of whose answers turn bad in one second, and a receiver of alerts that keeps what arrives.

Run as `python -m benchmarks.sudden_origin DELIVERIES.jsonl`. It prints its ports (endpoints, receiver, a receiver that
accepts and never answers) and then follows its standard input, a word a line: `hold` answers nothing from now on,
`fail` answers all that wait with 503, and everything after; `mend` answers 200 again.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import BinaryIO, cast

import httptools
import uvloop

from benchmarks.measure import raise_descriptor_limit

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_FAILING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Mood:
    """What every connection does now, and who waits for an answer."""

    def __init__(self) -> None:
        self.answer: bytes | None = _OK
        self.waiting: list[asyncio.Transport] = []

    def obey(self, word: str) -> None:
        """Follow one word."""
        self.answer = {"hold": None, "fail": _FAILING, "mend": _OK}[word]
        if self.answer is not None:
            for transport in self.waiting:
                transport.write(self.answer)
            self.waiting.clear()


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


class Endpoint(Asked):
    """One of the monitored."""

    def __init__(self, mood: Mood) -> None:
        super().__init__()
        self._mood = mood

    def on_message_complete(self) -> None:
        """Answer by the mood, or wait."""
        if self._mood.answer is None:
            self._mood.waiting.append(self.transport)
        else:
            self.transport.write(self._mood.answer)


class Receiver(Asked):
    """Takes letters, writing down when, how large, and the body itself."""

    def __init__(self, written: BinaryIO) -> None:
        super().__init__()
        self._written = written
        self._body = b""

    def on_body(self, body: bytes) -> None:
        """Gather."""
        self._body += body

    def on_message_complete(self) -> None:
        """Write down, then answer."""
        line = {"at": time.time(), "bytes": len(self._body), "body": self._body.decode()}
        self._written.write(json.dumps(line).encode() + b"\n")
        self._written.flush()
        self._body = b""
        self.transport.write(_OK)


class Silent(asyncio.Protocol):
    """Accepts, and never answers."""


async def _main(deliveries: Path) -> None:
    loop, mood = asyncio.get_running_loop(), Mood()
    with deliveries.open("ab") as written:
        makers = (lambda: Endpoint(mood), lambda: Receiver(written), Silent)
        servers = [await loop.create_server(make, "127.0.0.1", 0, backlog=4_096) for make in makers]
        print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
        while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
            mood.obey(word)
        for server in servers:
            server.close()


if __name__ == "__main__":
    raise_descriptor_limit()
    uvloop.run(_main(Path(sys.argv[1])))
