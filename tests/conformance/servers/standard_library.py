"""Python's http.server, a thread a connection. Its fleeting doors speak HTTP/1.0, as it does unless told otherwise."""

import select
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from tests.conformance.door import Door, Layer, Manner, Order, inherited
from tests.conformance.site import FILES, PAUSE, PIECE, PIECES, STALLED, TRAILER, receipt

_STEP = 4096


class StandardLibrary:
    """One process."""

    name = "http.server"
    remedy = "it comes with Python"
    layers = frozenset({Layer.PLAIN, Layer.TLS})
    http2 = False
    patience = 0.02
    lifetime = 1
    codings: frozenset[str] = frozenset()
    trailers = True
    lingers = False

    def program(self) -> str | None:
        """Python itself."""
        return sys.executable

    def command(self, order: Order) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __name__, order.text()]


class Handler(BaseHTTPRequestHandler):
    """The site. It closes without a word when its patience is over, and rudely: with content unread."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    patience: ClassVar[float] = 60.0
    files: ClassVar[dict[str, bytes]] = {}

    def handle_one_request(self) -> None:
        """Wait for the next request only so long."""
        asked = getattr(self, "requestline", None) is None or select.select([self.connection], [], [], self.patience)[0]
        if asked:
            super().handle_one_request()
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        """Answer."""
        if self.path in self.files:
            self._whole(200, self.files[self.path])
        else:
            getattr(self, f"_{self.path[1:]}")()

    do_HEAD = do_GET  # noqa: N815  # the names are http.server's

    def do_POST(self) -> None:
        """Take in what came, or refuse it."""
        if self.path == "/refused":
            self.close_connection = True
            self._whole(413, b"", Connection="close")
        else:
            self._whole(200, receipt(self._content()))

    do_PUT = do_POST  # noqa: N815  # as above

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def _whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _content(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _chunks(self, pieces: list[bytes], pause: float, trailer: bytes = b"") -> None:
        chunked = self.protocol_version == "HTTP/1.1"
        self.send_response(200)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
            time.sleep(pause)
        self.wfile.write(b"0\r\n%b\r\n" % trailer if chunked else b"")

    def _pieces(self, trailer: bytes = b"") -> None:
        text = self.files["/text"]
        self._chunks([text[start : start + _STEP] for start in range(0, len(text), _STEP)], 0, trailer)

    def _trailers(self) -> None:
        self._pieces(b"%b: %b\r\n" % TRAILER)

    def _slow(self) -> None:
        self._chunks([PIECE] * PIECES, PAUSE)

    def _stalled(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(STALLED))
        self.end_headers()
        self.wfile.write(self.files["/text"])
        self.wfile.flush()
        self.rfile.read(1)

    def _empty(self) -> None:
        self.send_response(204)
        self.end_headers()

    def _unchanged(self) -> None:
        # With the length that the body would have: allowed, and a trap (RFC 9112 6.3).
        self.send_response(304)
        self.send_header("Content-Length", str(len(self.files["/plain"])))
        self.end_headers()

    def _last(self) -> None:
        self._whole(200, self.files["/plain"], Connection="close")


def serve(order: Order) -> None:
    """Serve until killed."""
    files = {f"/{name}": (Path(order.site) / name).read_bytes() for name in FILES}
    for door in order.doors:
        behaviour: dict[str, object] = {"files": files}
        if door.manner is Manner.IMPATIENT:
            behaviour["patience"] = order.patience
        if door.manner is Manner.FLEETING:
            behaviour["protocol_version"] = "HTTP/1.0"
        handler = type("Door", (Handler,), behaviour)
        server = ThreadingHTTPServer(("127.0.0.1", door.port), handler, bind_and_activate=False)
        server.socket.close()
        server.socket = _socket(order, door)
        threading.Thread(target=server.serve_forever).start()


def _socket(order: Order, door: Door) -> Any:
    if door.layer is Layer.PLAIN:
        return inherited(door)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(order.pem)
    return context.wrap_socket(inherited(door), server_side=True, do_handshake_on_connect=False)


if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[1], type=Order))
