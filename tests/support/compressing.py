"""Bodies in each content coding, as servers make them; the same bytes in every process."""

import gzip
import sys
import zlib
from collections.abc import Callable

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def gzipped(data: bytes) -> bytes:
    """One gzip member, without the time of day."""
    return gzip.compress(data, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    """A deflate stream without zlib's framing (RFC 1951)."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def brotlied(data: bytes) -> bytes:
    """A br stream."""
    return bytes(brotli.compress(data, quality=4))


def zstded(data: bytes) -> bytes:
    """One zstd frame."""
    return zstd.compress(data)


def with_window(data: bytes, log: int) -> bytes:
    """One zstd frame that asks for 2 to the `log` bytes of window, as a server that streams would make it."""
    made = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return made.compress(data) + made.flush()


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "deflate": zlib.compress,
    "br": brotlied,
    "zstd": zstded,
}


def compressed(data: bytes, encoding: str) -> bytes:
    """The data in these codings, the first named put on first."""
    for coding in encoding.split(", "):
        data = COMPRESSORS[coding](data)
    return data
