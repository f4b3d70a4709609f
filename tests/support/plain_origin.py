"""An HTTP/1.1 origin that does all it should: content read, connections kept, bodies by length and in chunks."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

BODY = bytes(range(256)) * 8
CHUNKED = "/chunked"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_WHOLE = b"HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
_IN_CHUNKS = b"HTTP/1.1 200 OK\r\nServer: origin\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (
    b"400\r\n%b\r\n" % BODY[:1024] + b"400\r\n%b\r\n" % BODY[1024:]
)


@asynccontextmanager
async def plain_origin() -> AsyncIterator[int]:
    """The port of an origin without TLS: BODY to every request, in chunks under CHUNKED."""
    served: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_serve(reader, writer))
        served.add(task)
        task.add_done_callback(served.discard)

    listener = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(_IN_CHUNKS if f" {CHUNKED} ".encode() in head else _WHOLE)
                await writer.drain()
    finally:
        writer.close()
