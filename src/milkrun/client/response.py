"""A complete response, and where it came from."""

import json
from typing import Any

import msgspec

from milkrun.client.charset import text
from milkrun.client.coding import begun, decoder, in_turns
from milkrun.client.facts import ConnectionFacts
from milkrun.client.headers import Headers
from milkrun.client.http1.lenient import bad_framing
from milkrun.client.http1.wire import Received
from milkrun.client.request import PreparedRequest
from milkrun.client.timings import Timings


class Hop(msgspec.Struct, frozen=True, gc=False):
    """A redirect that was followed: from which URL, by which status."""

    url: str
    status: int


class Opening:
    """What a response says before its body."""

    __slots__ = ()

    request: PreparedRequest
    received: Received
    connection: ConnectionFacts

    @property
    def status(self) -> int:
        """The status code."""
        return self.received.status

    @property
    def is_redirect(self) -> bool:
        """Whether the status is one of those that send on: see `Location`."""
        return 300 <= self.received.status < 400

    @property
    def reason(self) -> str:
        """The reason phrase, often empty, in HTTP/2 always."""
        return self.received.reason

    @property
    def version(self) -> str:
        """The HTTP version, "1.1", "1.0" or "2"."""
        return self.received.version

    @property
    def url(self) -> str:
        """The last hop's URL, without credentials."""
        return self.request.url.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} {self.url}>"


class Response(Opening, msgspec.Struct, gc=False):
    """A complete response.

    Attributes:
        body: content codings undone; empty when the request drained it.
        timings: seconds by phase, summed over redirects and a stale retry.
        connection: that of the last hop.
        stale_retry: a reused connection turned out closed, or the server had not processed the request, and it was
            sent again on another connection.
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
    def headers(self) -> Headers:
        """The header fields, read when first asked for."""
        if self._headers is None:
            self._headers = Headers.from_head(self.received.head)
        return self._headers

    @property
    def beginning(self) -> bytes:
        """The body, or what was kept of a drained one: its beginning, where the status is an error's."""
        if self.body:
            return self.body
        return begun(self.received.excerpt, self.headers.get("content-encoding", ""))

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out of what `beginning` is made of."""
        return bool(self.body) or len(self.received.excerpt) == self.received.size

    @property
    def bytes_received(self) -> int:
        """The size of the body as it was received, codings still on."""
        return self.received.size

    @property
    def text(self) -> str:
        """The body as text, by the charset of its Content-Type, else as UTF-8; never raises."""
        return text(self.body, self.headers.get("content-type", ""))

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError if it is none."""
        return json.loads(self.body)

    async def discard(self) -> None:
        """Nothing is left to be discarded; as `StreamedResponse` has it."""

    __repr__ = Opening.__repr__


async def undone(received: Received, headers: Headers, cap: int) -> bytes:
    """The body with its content codings undone, in turns. Raises RequestError, body/* or protocol/bad-framing."""
    undo = decoder(coding(headers), cap=cap)
    plain = b"".join([piece async for piece in in_turns(undo.pieces(received.body))])
    undo.finish()
    return plain


def coding(headers: Headers) -> str:
    """The content codings of a response. Raises protocol/bad-framing for a transfer coding that we cannot undo."""
    transfer = headers.get("transfer-encoding", "chunked").lower()
    if transfer != "chunked":
        raise bad_framing(f"the transfer coding {transfer[:40]!r} was not asked for")
    return headers.get("content-encoding", "")
