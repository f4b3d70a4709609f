"""One response as it comes in, apart from sockets and frames: its head, its body, and whether the two agree."""

from milkrun.client.errors import RequestError
from milkrun.client.facts import AnswerFacts
from milkrun.client.headers import RawPairs
from milkrun.client.http1.lenient import bad_framing
from milkrun.client.http1.wire import ERRORS, EXCERPT, Received
from milkrun.client.http2.fields import Pairs, judge, read_head
from milkrun.client.request import PreparedRequest

_BODILESS = frozenset({204, 304})  # RFC 9110 6.4.1
_SWITCHING = 101


class Reply:
    """What has come of the response to one request.

    `interim` and `open` take heads, `add` pieces of the body, `close` and perhaps `trail` the end; each raises
    RequestError (protocol/*, body/too-large), after which it is of no more use.

    Attributes:
        status: the final status code once the head is there, else None.
    """

    __slots__ = ("_before", "_cap", "_drain", "_expected", "_head", "_head_only", "_max_head", "_notable", "_pieces",
                 "_size", "status")  # fmt: skip

    def __init__(self, request: PreparedRequest, *, max_head: int) -> None:
        self._head_only = request.head_only
        self._cap = request.max_body
        self._drain = request.drain
        self._max_head = max_head
        self._before = 0  # bytes of interim responses
        self._head = b""
        self._notable = False
        self._expected: int | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self.status: int | None = None

    def interim(self, pairs: Pairs) -> bytes:
        """Take an interim response; gives its head."""
        status, head = read_head(pairs)
        if status == _SWITCHING:
            message = "the response is 101, and HTTP/2 has no other protocol to switch to (RFC 9113 8.6)"
            raise RequestError("protocol", "bad-status-line", message, phase="wait")
        self._before += len(head)
        self._judge_size(0)
        return head

    def open(self, pairs: Pairs) -> None:
        """Take the final response's head."""
        status, head = read_head(pairs)
        self._judge_size(len(head))
        fields = dict(pairs)
        length = fields.get(b"content-length")
        if self._head_only or status in _BODILESS:
            self._expected = 0
        elif length is not None:
            self._expected = int(length)  # h2 has judged that it is a number, and one alone
        self._notable = b"content-encoding" in fields
        self._head, self.status = head, status

    def add(self, piece: bytes, *, keep: bool) -> bool:
        """Take a piece of the body, and keep it; says whether more is wanted: of a drained one, only so much is."""
        self._size += len(piece)
        if self._expected is not None and self._size > self._expected:
            raise self._mismatch()
        if self._size > self._cap and not self._drain:
            raise RequestError("body", "too-large", f"the body is over {self._cap} bytes", phase="receive")
        if keep and (not self._drain or self._is_excerpt()):
            self._pieces.append(piece)
        return self._size <= self._cap

    def close(self) -> None:
        """The response is complete."""
        if self._expected not in (None, self._size):
            raise self._mismatch()

    def trail(self, pairs: Pairs) -> RawPairs:
        """Take the trailer fields, with which the response is complete; gives them as they may be shown."""
        judge(pairs, "receive")
        self.close()
        return tuple((name, value) for name, value in pairs)

    def take(self) -> Received:
        """What came, the body included as far as it was kept."""
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        kept, excerpt = (b"", body[:EXCERPT]) if self._drain else (body, b"")
        return Received(self.status or 0, self._head, kept, self._size, True, self._notable, (), excerpt)

    def seen(self) -> AnswerFacts | None:
        """What is known of the response so far; None until its head is complete."""
        return None if self.status is None else AnswerFacts(status=self.status, version="2", bytes=self._size)

    def _is_excerpt(self) -> bool:
        """Whether the piece that was just counted belongs to the beginning of an error's body."""
        return (self.status or 0) >= ERRORS and sum(map(len, self._pieces)) < EXCERPT

    def _judge_size(self, size: int) -> None:
        if self._before + size > self._max_head:
            message = f"the head of the response is over {self._max_head} bytes"
            raise RequestError("protocol", "header-too-large", message, phase="wait")

    def _mismatch(self) -> RequestError:
        message = f"the body has {self._size} bytes, where its head makes {self._expected} of it"
        return bad_framing(message, phase="receive")
