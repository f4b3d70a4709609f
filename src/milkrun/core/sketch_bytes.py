"""A sketch's bins as bytes, in the shorter of two forms, which the first byte tells apart.

RUNS is for few values: the first bin's index, then bits: for each bin from the first on as many ones as it counts, and
a zero between two bins. Thirty values within a factor of three are 12 bytes so. COUNTS is for many: the first bin's
index, then each bin's count; a count of 0 is followed by how many more empty bins there are. Numbers are varints.
"""

from itertools import groupby

from milkrun.core import varint

RUNS = 1
COUNTS = 2
EMPTY = bytes([COUNTS])
# Bin 2,183 holds 2^63 microseconds: what lies beyond is no latency, and decoding bad bytes must have an end.
MAX_BIN = 2_200


def encode(bins: dict[int, int]) -> bytes:
    """Counts by bin, each at least 1, as bytes."""
    if not bins:
        return EMPTY
    first, last = min(bins), max(bins)
    counts = [bins.get(index, 0) for index in range(first, last + 1)]
    bits = sum(counts) + len(counts)
    if bits <= 8 * len(bins):  # COUNTS has at least a byte for each
        return _runs(first, counts)
    data = _counts(first, counts)
    return _runs(first, counts) if bits <= 8 * len(data) else data


def decode(data: bytes) -> dict[int, int]:
    """Counts by bin, in order of the bins. Raises ValueError for what `encode` does not write."""
    if data == EMPTY:
        return {}
    form = data[0] if data else 0
    if form not in (RUNS, COUNTS):
        raise ValueError(f"a sketch begins with {RUNS} or {COUNTS}")
    first, at = varint.read(data, 1)
    bins = _read_runs(first, data[at:]) if form == RUNS else _read_counts(first, data, at)
    if not bins or max(bins) > MAX_BIN:
        raise ValueError("a sketch has bins, and none beyond those of latencies")
    return bins


def _runs(first: int, counts: list[int]) -> bytes:
    bits = "0".join(["1" * count for count in counts])
    data = bytearray([RUNS])
    varint.append(data, first)
    return bytes(data) + int(bits, 2).to_bytes((len(bits) + 7) // 8)


def _read_runs(first: int, data: bytes) -> dict[int, int]:
    """The first bin is never empty, so the first one among the bits is where they begin."""
    runs = f"{int.from_bytes(data):b}".split("0")
    return {index: len(run) for index, run in enumerate(runs, first) if run}


def _counts(first: int, counts: list[int]) -> bytes:
    data = bytearray([COUNTS])
    varint.append(data, first)
    for count, same in groupby(counts):
        if count:
            for _ in same:
                varint.append(data, count)
        else:
            data.append(0)
            varint.append(data, sum(1 for _ in same) - 1)
    return bytes(data)


def _read_counts(index: int, data: bytes, at: int) -> dict[int, int]:
    bins: dict[int, int] = {}
    while at < len(data):
        count, at = data[at], at + 1
        if count >= varint.MORE:
            count, at = varint.read(data, at - 1)
        if count:
            bins[index] = count
        else:
            more, at = varint.read(data, at)
            index += more
        index += 1
    return bins
