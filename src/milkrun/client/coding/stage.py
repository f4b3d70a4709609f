"""One content coding undone piece by piece: a bomb is never given more than the cap and one piece."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from milkrun.client.errors import RequestError

# The most that is made at a time: large enough that pieces cost nothing, small enough that each is under a millisecond
# in any coding. (brotli gives up to 96 KiB: its limit is where its buffer stops to grow.)
PIECE = 64 * 1024
# Where a body may be several streams, one after the other, so many. Each costs something also when there is nothing in
# it: ten megabytes of empty ones would take fourteen seconds.
MANY = 10_000


class Stream(Protocol):
    """One compressed stream, its methods and attributes those of the standard library's decompressors."""

    @property
    def eof(self) -> bool:
        """Whether its end was read."""

    @property
    def needs_input(self) -> bool:
        """Whether it has given all that it can; else `decompress` is to be called with nothing."""

    @property
    def unused_data(self) -> bytes:
        """What was given to it beyond its end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take data in, give what can be given, about `max_length` bytes at the most."""


class Coding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What there is to know of a coding.

    Attributes:
        name: as it is spoken of.
        stream: makes a stream ready for its first byte.
        error: what a stream raises when it is given rubbish.
        members: how many streams, one after the other, a body may be.
        padding: the byte that may fill up after a member.
    """

    name: str
    stream: Callable[[], Stream]
    error: type[Exception]
    members: int = 1
    padding: bytes = b""


class Stage:
    """Undoes one coding of one body. Its errors are those of `Decoder`."""

    __slots__ = ("_begun", "_cap", "_coding", "_owing", "_rest", "_room", "_stream")

    def __init__(self, coding: Coding, cap: int) -> None:
        self._coding = coding
        self._cap = self._room = cap
        self._stream: Stream | None = None  # before the first member, and between members
        self._begun = 0  # members
        self._rest = b""  # what followed the end of the last member
        self._owing = False  # whether the stream has more to give without being given any

    def undo(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """What the pieces give, cut anew. Each result, also an empty one, is one short piece of work."""
        for data in pieces:
            yield self._step(data)
            while self._rest or self._owing:
                yield self._step(self._rest)

    def finish(self) -> None:
        """Nothing more will come. Raises RequestError if that is too early; of nothing at all, nothing is missing."""
        if self._stream is not None:
            raise bad(f"the {self._coding.name} body ends before its end")

    def _step(self, data: bytes) -> bytes:
        if self._stream is None:
            data = self._begin(data)
        stream = self._stream
        if stream is None:
            self._rest = b""
            return b""
        try:
            plain = stream.decompress(data, min(PIECE, self._room + 1))
        except self._coding.error as err:
            raise bad(f"the body is not the {self._coding.name} it says it is: {err}") from err
        self._room -= len(plain)
        if self._room < 0:
            raise too_large(self._cap)
        self._settle(stream)
        return plain

    def _begin(self, data: bytes) -> bytes:
        """Get past what may stand before a stream, and make that ready if there is anything for it."""
        coding = self._coding
        if self._begun:
            data = data.lstrip(coding.padding)
        if data:
            if self._begun >= coding.members:
                raise bad(f"the {coding.name} body goes on after its end")
            self._begun += 1
            self._stream = coding.stream()
        return data

    def _settle(self, stream: Stream) -> None:
        if stream.eof:
            self._stream, self._rest, self._owing = None, stream.unused_data, False
        else:
            self._rest, self._owing = b"", not stream.needs_input


def too_large(cap: int) -> RequestError:
    """body/too-large: there is no more room under the cap."""
    return RequestError("body", "too-large", f"the body is over {cap} bytes once decompressed", phase="receive")


def bad(message: str) -> RequestError:
    """body/bad-encoding: the body cannot be read as what it says it is."""
    return RequestError("body", "bad-encoding", message, phase="receive")
