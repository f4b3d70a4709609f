"""One HTTP/1.1 response whose body is handed on as it arrives; interim heads, trailers and what follows a 101 are told.

Apart from `wire`, because nearly every response is read whole, and needs none of this.
"""

from collections.abc import Callable

from milkrun.client.errors import RequestError
from milkrun.client.headers import RawPairs
from milkrun.client.http1.wire import Received, ResponseParser

_SWITCHING = 101


class StreamingParser(ResponseParser):
    """Reads one response.

    `feed` says True once it is complete; until then, and once more at the end, `pour` gives what came of the body.

    Args:
        max_head: the most bytes of head, and of trailer fields.
        takes_over: whether a response with this status hands the connection over: it ends with its head, and what
            follows is not HTTP any more.
        on_interim: called with the head of each interim response.

    Attributes:
        rest: what came after the head of a response that hands the connection over.
    """

    __slots__ = ("_on_interim", "_room", "_takes_over", "_trailers", "_trailing", "rest")

    def __init__(
        self, *, max_head: int, takes_over: Callable[[int], bool], on_interim: Callable[[bytes], None]
    ) -> None:
        super().__init__(max_head=max_head)
        self._takes_over = takes_over
        self._on_interim = on_interim
        self._trailing = False
        self._trailers: list[tuple[bytes, bytes]] = []
        self._room = max_head  # bytes that they may still have
        self.rest: bytes | None = None

    def on_message_begin(self) -> None:
        """As httptools has it."""
        super().on_message_begin()
        self._trailing = False

    def on_headers_complete(self) -> None:
        """As httptools has it: fields that come from now on are trailers."""
        self._trailing = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """As httptools has it."""
        if self._trailing:
            self._room -= len(name) + len(value)
            if self._room >= 0:
                self._trailers.append((name, value.rstrip(b" \t")))  # what is before the value, httptools takes away

    def feed(self, data: bytes) -> bool:
        """As `ResponseParser` has it."""
        if self._head:
            self._feed_body(data)
        else:
            self._feed_head(data)
        self._framing += len(data)
        if self._room < 0:
            message = f"the trailer fields are over {self._max_head} bytes"
            raise RequestError("protocol", "header-too-large", message, phase="receive")
        return self._complete

    @property
    def trailers(self) -> RawPairs:
        """The trailer fields, as they came."""
        return tuple(self._trailers)

    def pour(self) -> bytes:
        """What came of the body since it was last asked for. Raises RequestError, body/too-large beyond the cap."""
        return self._pour()

    def opening(self) -> Received | None:
        """The response without its body; None until its head is complete."""
        if not self._head:
            return None
        return Received(self._status, self._head, b"", 0, False, self._notable, self._warnings)

    @property
    def has_begun(self) -> bool:
        """Whether anything came of the response itself: interim ones do not count."""
        return bool(self._head or self._held)

    @property
    def keep(self) -> bool:
        """Whether the connection may be kept, now that the response is complete."""
        return self._keep and self._begun == 1

    def _is_interim(self, data: bytes, end: int) -> bool:
        self._judge_start(data, end)
        if end >= 0 and self._hands_over(data):
            return False
        is_interim = super()._is_interim(data, end)
        if is_interim:
            self._on_interim(data[:end])
        return is_interim

    def _hands_over(self, data: bytes) -> bool:
        status = data[9:12]
        return status.isdigit() and self._takes_over(int(status))

    def _feed_first(self, data: bytes) -> None:
        if not self._takes_over(self._status):
            super()._feed_first(data)
            return
        # Nothing of this head needs to be read, so nothing of it needs to be judged.
        self.rest = data[len(self._head) :]
        self._complete = True
