"""HTTP/1.1 responses apart from sockets: bytes in, one complete response out (RFC 9112).

httptools judges the fields and takes chunks apart. Its gaps are filled here: it has no end-of-file call, no HEAD
mode, no bound on the head, and it accepts `HTTP/0.9 200`. So the head is held back until it is complete, then
handed over; what httptools refuses although RFC 9112 lets a client read it, `lenient` repairs.
"""

import re

import httptools
import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.facts import AnswerFacts
from milkrun.client.headers import Headers
from milkrun.client.http1.lenient import bad_framing, bad_status_line, repair

_VERSION = b"HTTP/1."  # not "HTTP/": httptools would read 0.9 and 2.0, which no text protocol sends
_STATUS = slice(9, 12)
_INTERIM = b"1"
_SWITCHING = b"101"
# Bytes of framing that may come for each byte of body, beyond those that a head may have: a chunk of one byte has five.
_MAX_FRAMING = 8
# Where the head ends, unless the first group found a field before it that the client itself reads (the usual chunked
# framing excepted). Spelt out, because re.IGNORECASE gives up the search for the line feed, which makes this twice
# as fast.
_LANDMARK = re.compile(
    rb"\n(?:\r\n|([CcKkTt](?:[Oo][Nn][Tt][Ee][Nn][Tt]-[Ee]|[Ee][Ee][Pp]-|"
    rb"[Rr][Aa][Nn][Ss][Ff][Ee][Rr]-(?!Encoding: chunked\r))))"
)
# From this status on, the beginning of a drained body is kept: so much of it, in bytes.
ERRORS = 400
EXCERPT = 4_096
# How nearly every response starts, and the status that says.
_PLAIN = {b"HTTP/1.1 %d" % status: status for status in range(200, 600)}


class Received(msgspec.Struct, gc=False):
    """What came back of one exchange.

    Attributes:
        status: the final status code.
        head: status line and fields (repaired where need was), each ended by CRLF, and the empty line.
        body: as received, content codings still on; empty when it was only drained.
        size: bytes of body received, also of a drained one.
        keep: whether the connection may serve another exchange.
        notable: whether the head has fields that concern the client itself, beyond those of framing.
        warnings: what was read although it should not have been sent so.
        excerpt: the beginning of a drained body, where the status is an error's.
    """

    status: int
    head: bytes
    body: bytes
    size: int
    keep: bool
    notable: bool
    warnings: tuple[str, ...]
    excerpt: bytes = b""

    @property
    def version(self) -> str:
        """The HTTP version, "1.1", "1.0" or "2"."""
        return _version(self.head)

    @property
    def reason(self) -> str:
        """The reason phrase, often empty."""
        _, _, rest = self.head[: self.head.index(b"\r")].partition(b" ")
        return rest.partition(b" ")[2].decode("latin-1")

    def facts(self) -> AnswerFacts:
        """What there is to say of it in short."""
        return AnswerFacts(status=self.status, version=self.version, bytes=self.size)


class ResponseParser:
    """Reads the responses of one connection, one after the other; it lives as long as the connection does.

    `expect` before each; then `feed` what arrives until it says True, or `end` when nothing more will; then `take`.
    Errors are protocol/* and body/too-large; after one, the parser is of no more use.
    """

    __slots__ = ("_before", "_begun", "_body", "_cap", "_chunks", "_complete", "_drain", "_framing", "_head",
                 "_head_only", "_held", "_keep", "_max_head", "_notable", "_parser", "_size", "_status", "_warnings",
                 "on_body")  # fmt: skip

    def __init__(self, *, max_head: int) -> None:
        self._max_head = max_head
        self._chunks: list[bytes] = []
        self.on_body = self._chunks.append  # httptools calls it directly: no Python frame for each piece
        self._parser = httptools.HttpResponseParser(self)
        self._before = 0  # bytes of interim responses
        self._head = self._held = b""
        self._body: bytearray | None = None
        self._warnings: tuple[str, ...] = ()
        self.expect(False, 0, False)

    def on_message_begin(self) -> None:
        """A message starts. A second one in the same exchange nobody asked for; its body must not join the first's."""
        self._begun += 1
        if self._complete:
            raise bad_framing("a second response came unasked")

    def on_message_complete(self) -> None:
        """The message is whole. Whether to keep the connection is asked here: httptools forgets it afterwards."""
        self._complete = True
        self._keep = self._parser.should_keep_alive()

    def expect(self, head_only: bool, cap: int, drain: bool) -> None:
        """Get ready for the next response.

        Args:
            head_only: the request was a HEAD.
            cap: the most bytes of body to accept.
            drain: the body is discarded, and one over the cap is given up instead of being an error.
        """
        self._head_only = head_only
        self._cap = cap
        self._drain = drain
        self._begun = 0
        self._complete = self._keep = False
        self._size = self._framing = 0

    @property
    def status(self) -> int | None:
        """The final status code once the head is complete, else None."""
        return self._status if self._head else None

    def seen(self) -> AnswerFacts | None:
        """What is known of the response so far; None until its head is complete."""
        if not self._head:
            return None
        return AnswerFacts(status=self._status, version=_version(self._head), bytes=self._size)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was repaired so far."""
        return self._warnings

    def feed(self, data: bytes) -> bool:
        """Take in what arrived; says whether the response is complete."""
        if self._head:
            self._feed_body(data)
        elif self._held or self._head_only:
            self._feed_head(data)
        else:
            self._feed_start(data)
        if not self._complete and self._head:
            self._framing += len(data)
            self._collect()
        return self._complete

    def end(self) -> bool:
        """Nothing more will come; says whether that completes the response: it does when nothing else delimits it."""
        if not self._head or self._is_delimited():
            return False
        self._complete = True
        return True

    def take(self) -> Received:
        """Hand the complete response out, and keep nothing of it."""
        head, chunks, warnings = self._head, self._chunks, self._warnings
        if self._body is not None or len(chunks) > 1:
            self._collect()
            body, self._body = bytes(self._body or b""), None
        else:  # nearly every response: one piece, handed on as it is
            body = chunks.pop() if chunks else b""
            self._size = len(body)
            if self._size > self._cap:
                self._give_up()
        self._head, self._warnings = b"", ()
        if self._drain and self._status >= ERRORS:
            return Received(self._status, head, b"", self._size, self._keep and self._begun == 1,
                            self._notable, warnings, body[:EXCERPT])  # fmt: skip
        return Received(self._status, head, b"" if self._drain else body, self._size, self._keep and self._begun == 1,
                        self._notable, warnings)  # fmt: skip

    def _feed_start(self, data: bytes) -> None:
        # Nearly every response starts as it should, and its head comes whole: then two look-ups judge it.
        status, landmark = _PLAIN.get(data[:12]), _LANDMARK.search(data)
        if status is None or landmark is None:
            self._feed_head(data)
            return
        notable = landmark.lastindex is not None
        end = data.find(b"\r\n\r\n") + 4 if notable else landmark.end()
        if not 4 <= end <= self._max_head:
            self._feed_head(data)
            return
        self._head, self._status, self._notable = data[:end], status, notable
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as err:
            self._refused(data, err)

    def _feed_head(self, data: bytes) -> None:
        searched = len(self._held)
        data = self._held + data
        end = _head_end(data, max(0, searched - 2))
        while self._is_interim(data, end):
            self._before += end
            data = data[end:]
            end = _head_end(data, 0)
        self._held = data
        if end >= 0:
            if not data[_STATUS].isdigit():  # said here, for the parser sees another status in a response to HEAD
                raise bad_status_line(data)
            self._held, self._before = b"", 0
            self._know(data[:end])
            self._feed_first(data)
            if _is_faulty(self._head):
                self._begun += 1  # which costs the connection, as a second response does

    def _know(self, head: bytes) -> None:
        landmark = _LANDMARK.search(head)
        self._head, self._status = head, int(head[_STATUS])
        self._notable = landmark is not None and landmark.lastindex is not None

    def _is_interim(self, data: bytes, end: int) -> bool:
        self._judge_start(data, end)
        if end >= 0 and data[_STATUS] == _SWITCHING:
            message = (
                "the response is 101, to another protocol: a switch that only `stream` can follow, if it was asked for"
            )
            raise RequestError("protocol", "bad-status-line", message, phase="wait")
        return end >= 0 and data[_STATUS].startswith(_INTERIM) and data[_STATUS].isdigit()

    def _judge_start(self, data: bytes, end: int) -> None:
        start = data[: len(_VERSION)]
        if start != _VERSION[: len(start)] or data[_STATUS.start : _STATUS.start + 1] == b"0":
            raise bad_status_line(data)
        if self._before + (len(data) if end < 0 else end) > self._max_head:
            message = f"the head of the response is over {self._max_head} bytes"
            raise RequestError("protocol", "header-too-large", message, phase="wait")

    def _feed_first(self, data: bytes) -> None:
        try:
            self._parser.feed_data(_bodiless(data) if self._head_only else data)
        except httptools.HttpParserError as err:
            self._refused(data, err)

    def _refused(self, data: bytes, refusal: Exception) -> None:
        if self._complete:
            self._begun += 1
            return
        end = _head_end(data, 0)  # which may be nearer than it seemed, by bare LF
        head, self._head = data[:end], b""  # until it is judged it has no status
        if _is_acceptable(head):
            self._know(head)
            raise _bad_body(refusal) from refusal
        head, self._warnings = repair(head)
        if not _is_acceptable(head):
            message = f"a header field is malformed: {refusal}"
            raise RequestError("protocol", "bad-header", message, phase="wait") from refusal
        self._know(head)
        self._parser = httptools.HttpResponseParser(self)
        self._begun = 0
        self._feed_body((_bodiless(self._head) if self._head_only else self._head) + data[end:])

    def _feed_body(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as err:
            if not self._complete:
                raise _bad_body(err) from err
            self._begun += 1

    def _collect(self) -> None:
        piece = self._pour()
        if self._body is None:
            self._body = bytearray()
        if not self._drain:
            self._body += piece
        elif self._status >= ERRORS:
            self._body += piece[: EXCERPT - len(self._body)]

    def _pour(self) -> bytes:
        piece = b"".join(self._chunks)
        self._chunks.clear()
        self._size += len(piece)
        if self._size > self._cap:
            self._give_up()
        # Trailer fields and chunk extensions have no end of their own, and nobody but httptools sees them come.
        if self._framing - self._size > self._max_head + len(self._head) + _MAX_FRAMING * self._size:
            raise bad_framing("there is more framing than body", phase="receive")
        return piece

    def _give_up(self) -> None:
        if not self._drain:
            message = f"the body is over {self._cap} bytes"
            raise RequestError("body", "too-large", message, phase="receive")
        self._complete, self._keep = True, False

    def _is_delimited(self) -> bool:
        headers = Headers.from_head(self._head)
        last = headers.get("transfer-encoding", "").lower().rpartition(",")[2].strip()
        return "content-length" in headers or last == "chunked"  # only as the last coding does it delimit (6.3)


def _head_end(data: bytes, start: int) -> int:
    """Where the head ends: after the first empty line, its end written CRLF or, by mistake, LF; -1: not yet."""
    crlf = data.find(b"\n\r\n", start)
    bare = data.find(b"\n\n", start) if crlf < 0 else data.find(b"\n\n", start, crlf + 1)
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1


def _bodiless(data: bytes) -> bytes:
    # A response to HEAD ends with its head whatever its fields say (RFC 9112 6.3): so does a 204.
    # What is no status stays, to be judged.
    return data[: _STATUS.start] + b"204" + data[_STATUS.stop :] if data[_STATUS].isdigit() else data


def _is_acceptable(head: bytes) -> bool:
    try:
        httptools.HttpResponseParser(object()).feed_data(head)
    except httptools.HttpParserError:
        return False
    return True


def _is_faulty(head: bytes) -> bool:
    # RFC 9112 6.1: HTTP/1.0 knows no transfer codings, so who sent one may have framed the message otherwise.
    return head.startswith(b"HTTP/1.0") and "transfer-encoding" in Headers.from_head(head)


def _bad_body(refusal: Exception) -> RequestError:
    return bad_framing(f"the body's framing is broken: {refusal}", phase="receive")


def _version(head: bytes) -> str:
    return head[5 : head.index(b" ")].decode("ascii")
