"""Where in a stream of bytes a phase begins: pure rules over what one end of one connection has said so far."""

import itertools
import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.support.fault_proxy.plan import Phase

MUCH = 20_000  # bytes after which a request is on its way, also inside HTTP/2's first window of 65,535
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_HEADERS, _DATA = 1, 0

Finder = Callable[[bytes], int | None]


class Place:
    """One place in one stream, looked for in what passes. `find` gives its offset, None while it cannot be known."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self._passed = b""

    def within(self, data: bytes) -> int | None:
        """How many of the next bytes come before the place, 0 once it has passed; None while it is still to come."""
        before = len(self._passed)
        self._passed += data
        offset = self._find(self._passed)
        return None if offset is None or offset >= len(self._passed) else max(0, offset - before)


def place(phase: Phase, *, http2: bool) -> Place:
    """The place where this phase begins: REQUEST in what the client says, any other in what the server says."""
    return Place(_FRAMES[phase] if http2 else _TEXT[phase])


def _head_end(text: bytes) -> int | None:
    end = text.find(b"\r\n\r\n")
    return end + 4 if end >= 0 else None


def _first_field(text: bytes) -> int | None:
    line = text.find(b"\r\n")
    return line + 2 if line >= 0 else None


def _mid_body(text: bytes) -> int | None:
    start, length = _head_end(text), _LENGTH.search(text)
    return start + int(length[1]) // 2 if start is not None and length is not None else None


def _second_chunk(text: bytes) -> int | None:
    start = _head_end(text)
    size, found, _ = text[start:].partition(b"\r\n") if start is not None else (b"", b"", b"")
    return (start or 0) + len(size) + 2 + int(size, 16) + 2 if found else None


def _second_answer(text: bytes) -> int | None:
    start, length = _head_end(text), _LENGTH.search(text)
    return start + int(length[1]) if start is not None and length is not None else None


class _Frame(NamedTuple):
    """The header of one HTTP/2 frame (RFC 9113 4.1), and where it lies."""

    start: int
    length: int
    type: int

    @property
    def middle(self) -> int:
        return self.start + 9 + self.length // 2


def _frames(data: bytes, wanted: int) -> Iterator[_Frame]:
    start = 0
    while start + 9 <= len(data):
        high, low, kind = struct.unpack_from(">BHB", data, start)
        frame = _Frame(start, (high << 16) + low, kind)
        if kind == wanted:
            yield frame
        start += 9 + frame.length


def _nth(data: bytes, wanted: int, index: int) -> _Frame | None:
    return next(itertools.islice(_frames(data, wanted), index, None), None)


def _before(wanted: int, index: int) -> Finder:
    def find(data: bytes) -> int | None:
        frame = _nth(data, wanted, index)
        return frame and frame.start

    return find


def _inside(wanted: int) -> Finder:
    def find(data: bytes) -> int | None:
        frame = _nth(data, wanted, 0)
        return frame and frame.middle

    return find


_TEXT: dict[Phase, Finder] = {
    Phase.REQUEST: lambda _: MUCH,
    Phase.ANSWER: lambda _: 0,
    Phase.HEAD: _first_field,
    Phase.BODY: _mid_body,
    Phase.CHUNK: _second_chunk,
    Phase.AGAIN: _second_answer,
}
_FRAMES: dict[Phase, Finder] = {
    Phase.REQUEST: lambda _: MUCH,
    Phase.ANSWER: _before(_HEADERS, 0),
    Phase.HEAD: _inside(_HEADERS),
    Phase.BODY: _inside(_DATA),
    Phase.CHUNK: _before(_DATA, 1),
    Phase.AGAIN: _before(_HEADERS, 1),
}
