"""gzip (RFC 1952) and deflate (RFC 1950, RFC 1951) as streams."""

import zlib

from milkrun.client.coding.stage import MANY, Coding

_GZIP = 31  # zlib's word for "15 bits of window, gzip framing"
_ZLIB = 15
_RAW = -15


class Inflater:
    """zlib's decompressor with the face of the later ones."""

    __slots__ = ("_stream", "needs_input")

    def __init__(self, framing: int) -> None:
        self._stream = zlib.decompressobj(framing)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """As `Stream` has it."""
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        """As `Stream` has it."""
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """As `Stream` has it."""
        plain = self._stream.decompress(data or self._stream.unconsumed_tail, max_length)
        # Exactly as much as was wanted: zlib may be in the middle of a copy, even with all of the data taken in.
        self.needs_input = len(plain) < max_length
        return plain


class AnyDeflate(Inflater):
    """What is called deflate: zlib framing (RFC 9110 8.4.1.2), but raw streams are sent under that name, too."""

    __slots__ = ("_start",)

    def __init__(self) -> None:
        super().__init__(_ZLIB)
        self._start: bytes | None = b""  # until there are the two bytes that tell

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """As `Stream` has it."""
        if self._start is not None:
            data = self._start + data
            if len(data) < 2:
                self._start = data
                return b""
            self._start = None
            if not _is_zlib(data):
                self._stream = zlib.decompressobj(_RAW)
        return super().decompress(data, max_length)


def _is_zlib(data: bytes) -> bool:
    # A zlib header is compression method 8 and a multiple of 31 (RFC 1950 2.2).
    return data[0] & 0x0F == zlib.DEFLATED and (data[0] << 8 | data[1]) % 31 == 0


# A gzip file is one or more members (RFC 1952 2.2), and zero padding after them is common.
GZIP = Coding(name="gzip", stream=lambda: Inflater(_GZIP), error=zlib.error, members=MANY, padding=b"\0")
DEFLATE = Coding(name="deflate", stream=AnyDeflate, error=zlib.error)
