"""The packed form of one endpoint's hour: each column in its narrowest width, what never changes once, compressed.

A chunk is a format byte and zstd (RFC 8878) over MessagePack. Slots are kept as their differences, which on schedule
are one number. Of 360 results some nine bytes each remain; and a column is read with one call.
"""

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec

from milkrun.store.columns import Columns

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# The first byte says how the rest is to be read; there is one way so far.
FORMAT = 1

# Unsigned widths in bytes, by what the standard says an array's type code holds at least.
_WIDTHS = (("B", 1 << 8), ("H", 1 << 16), ("I", 1 << 32), ("Q", 1 << 64))
_LEVEL = 3


class Narrow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A column: its smallest value, and each one's distance from it, little-endian; none where all are the same."""

    least: int
    code: str = ""
    packed: bytes = b""


class _Packed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    count: int
    first: int
    steps: Narrow
    columns: list[Narrow]  # those after the endpoint
    asides: dict[int, str]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


class UnknownFormatError(ValueError):
    """A chunk that another version of Milkrun made."""


def pack(columns: Columns) -> bytes:
    """The bytes of at least one row, in the order of its slots."""
    slots = columns.slot
    packed = _Packed(
        count=len(slots),
        first=slots[0],
        steps=_narrow([later - earlier for earlier, later in pairwise(slots)]),
        columns=[_narrow(column) for column in columns[2:-1]],
        asides={place: text for place, text in enumerate(columns.aside) if text is not None},
    )
    return bytes([FORMAT]) + zstd.compress(_encoder.encode(packed), _LEVEL)


def unpack(content: bytes, endpoint: int) -> Columns:
    """The rows of an endpoint's chunk. Raises UnknownFormatError for one that is not of a format known here."""
    if content[0] != FORMAT:
        raise UnknownFormatError(f"a chunk of the format {content[0]}, which this version does not know")
    packed = _decoder.decode(zstd.decompress(content[1:]))
    count = packed.count
    slots = list(accumulate(_widened(packed.steps, count - 1), initial=packed.first))
    asides: list[str | None] = [None] * count
    for place, text in packed.asides.items():
        asides[place] = text
    rest = [_widened(column, count) for column in packed.columns]
    return Columns._make([slots, [endpoint] * count, *rest, asides])


def _narrow(values: Sequence[int]) -> Narrow:
    least, most = min(values, default=0), max(values, default=0)
    if least == most:
        return Narrow(least)
    code = next(code for code, bound in _WIDTHS if most - least < bound)
    if least > 0 and code == next(code for code, bound in _WIDTHS if most < bound):
        least = 0  # as narrow as that, and nothing is to be added when it is read
    packed = _little_endian(array(code, [value - least for value in values] if least else values))
    return Narrow(least, code, packed.tobytes())


def _widened(column: Narrow, count: int) -> Sequence[int]:
    if not column.code:
        return [column.least] * count
    values = array(column.code)
    values.frombytes(column.packed)
    values = _little_endian(values)
    return [value + column.least for value in values] if column.least else values.tolist()


def _little_endian(values: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
