"""A sketch's bins as bytes, in the shorter of two forms, which the first byte tells apart.

RUNS is for few values: the first bin's index, then bits: for each bin from the first on as many ones as it counts, and
a zero between two bins. Thirty values within a factor of three are 12 bytes so. COUNTS is for many: the first bin's
index, how many bins there are, a byte for each bin's count, and what each of the full bytes leaves out. Numbers are
varints.
"""

from milkrun.core import varint

RUNS = 1
COUNTS = 2
EMPTY = bytes([COUNTS])
# A count that its byte has no room for stands as this, and the rest of it behind all the bytes.
FULL = 255
# Bin 2,183 holds 2^63 microseconds: what lies beyond is no latency, and decoding bad bytes must have an end.
MAX_BIN = 2_200


def encode(bins: dict[int, int]) -> bytes:
    """Counts by bin, each at least 1, as bytes."""
    if not bins:
        return EMPTY
    first, last = min(bins), max(bins)
    counts = [bins.get(index, 0) for index in range(first, last + 1)]
    bits = sum(counts) + len(counts)
    return _runs(first, counts) if bits <= 8 * len(counts) else _counts(first, counts)


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
    varint.append(data, len(counts))
    data += bytes([min(count, FULL) for count in counts])
    for count in counts:
        if count >= FULL:
            varint.append(data, count - FULL)
    return bytes(data)


def _read_counts(first: int, data: bytes, at: int) -> dict[int, int]:
    """In one go, for a window of many days reads hundreds of these; only full bytes are looked at one by one."""
    number, at = varint.read(data, at)
    counts, at = data[at : at + number], at + number
    bins = {index: count for index, count in enumerate(counts, first) if count}
    place = counts.find(FULL)
    while place >= 0:
        more, at = varint.read(data, at)
        bins[first + place] += more
        place = counts.find(FULL, place + 1)
    if at != len(data):
        raise ValueError("a sketch ends where its counts do")
    return bins
