"""A complete response, and where it came from."""

import msgspec

from milkrun.client.coding import decode
from milkrun.client.facts import ConnectionFacts
from milkrun.client.headers import Headers
from milkrun.client.lenient import bad_framing
from milkrun.client.request import PreparedRequest
from milkrun.client.timings import Timings
from milkrun.client.wire import Received


class Hop(msgspec.Struct, frozen=True, gc=False):
    """A redirect that was followed: from which URL, by which status."""

    url: str
    status: int


class Response(msgspec.Struct, gc=False):
    """A complete response.

    Attributes:
        body: content codings undone; empty when the request drained it.
        timings: seconds by phase, summed over redirects and a stale retry.
        connection: that of the last hop.
        stale_retry: a reused connection turned out closed, and the request was sent again on a fresh one.
        history: the redirects followed, first to last.
    """

    request: PreparedRequest
    received: Received
    body: bytes
    timings: Timings
    connection: ConnectionFacts
    stale_retry: bool
    warnings: tuple[str, ...]
    history: tuple[Hop, ...] = ()
    _headers: Headers | None = None

    @property
    def status(self) -> int:
        """The status code."""
        return self.received.status

    @property
    def reason(self) -> str:
        """The reason phrase, often empty."""
        return self.received.head[13 : self.received.head.index(b"\r")].decode("latin-1")

    @property
    def version(self) -> str:
        """The HTTP version, "1.1" or "1.0"."""
        return self.received.version

    @property
    def headers(self) -> Headers:
        """The header fields, read when first asked for."""
        if self._headers is None:
            self._headers = Headers.from_head(self.received.head)
        return self._headers

    @property
    def url(self) -> str:
        """The last hop's URL, without credentials."""
        return self.request.url.text

    @property
    def bytes_received(self) -> int:
        """The size of the body as it was received, codings still on."""
        return self.received.size

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.url}>"


def decoded(received: Received, headers: Headers, cap: int) -> bytes:
    """The body with its content codings undone. Raises RequestError, body/* or protocol/bad-framing."""
    transfer = headers.get("transfer-encoding", "chunked").lower()
    if transfer != "chunked":
        raise bad_framing(f"the transfer coding {transfer[:40]!r} was not asked for")
    encoding = headers.get("content-encoding", "")
    return decode(received.body, encoding, cap=cap) if encoding else received.body
