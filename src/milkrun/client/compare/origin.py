"""The comparison's own server: TLS on loopback, one small answer to everything, over HTTP/2 if the client likes.

Run as `python -m milkrun.client.compare.origin`. It writes one line of JSON, its URL and the file of roots to trust, to
standard output and serves until its standard input ends: that pipe closes when the parent ends, however that ends. So
the certificate's folder is removed here.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

import httptools
import uvloop
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded
from h2.exceptions import ProtocolError

from milkrun.client.compare.certificate import write_certificate
from milkrun.client.pool.descriptors import raise_limit

_BODY = b'{"route": "LIS-BER", "price": 129.9, "currency": "EUR"}'
_HEADERS = (("content-type", "application/json"), ("content-length", str(len(_BODY))))
_FIELDS = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS).encode()
_HTTP1 = b"HTTP/1.1 200 OK\r\n" + _FIELDS + b"\r\n" + _BODY
_HTTP2 = ((":status", "200"), *_HEADERS)
_BACKLOG = 4096  # a burst that finds no place is sent again by the kernel after a second


class Speaker(Protocol):
    """What answers on a connection, by the protocol that was chosen."""

    def heard(self, data: bytes) -> None:
        """Take what the client sent, and answer it."""


class Http1:
    """HTTP/1.1, keeping the connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def heard(self, data: bytes) -> None:
        """As `Speaker.heard`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_complete(self) -> None:
        """Answer a request."""
        self._transport.write(_HTTP1)
        if not self._parser.should_keep_alive():
            self._transport.close()


class Http2:
    """HTTP/2, any number of streams."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._session = H2Connection(H2Configuration(client_side=False))
        self._session.initiate_connection()

    def heard(self, data: bytes) -> None:
        """As `Speaker.heard`."""
        try:
            for event in self._session.receive_data(data):
                if isinstance(event, StreamEnded):
                    self._session.send_headers(event.stream_id, _HTTP2)
                    self._session.send_data(event.stream_id, _BODY, end_stream=True)
        except ProtocolError:
            self._transport.abort()
        else:
            self._transport.write(self._session.data_to_send())


class Connection(asyncio.Protocol):
    """One connection."""

    _speaker: Speaker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Speak what was chosen in the handshake."""
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self._speaker = (Http2 if chosen == "h2" else Http1)(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._speaker.heard(data)


@asynccontextmanager
async def listening(context: ssl.SSLContext, others: Iterable[str] = ("::1",)) -> AsyncIterator[int]:
    """Serve on 127.0.0.1, and at the same port of those other addresses that this machine has; gives the port."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Connection, "127.0.0.1", 0, ssl=context, backlog=_BACKLOG)]
    port: int = servers[0].sockets[0].getsockname()[1]
    for address in others:
        with suppress(OSError):  # then "localhost" leads to the first one alone
            servers.append(await loop.create_server(Connection, address, port, ssl=context, backlog=_BACKLOG))
    try:
        yield port
    finally:
        for server in servers:
            server.close()


def context_from(folder: Path) -> ssl.SSLContext:
    """A context of the certificate in the folder that speaks both versions."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    raise_limit()
    write_certificate(folder)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    async with listening(context_from(folder)) as port:
        sys.stdout.write(json.dumps([f"https://localhost:{port}/", str(folder / "roots.pem")]) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    with TemporaryDirectory(prefix="milkrun-compare-") as folder:
        uvloop.run(serve(Path(folder)))
