"""The latencies of a roll-up as bytes: what a stored row keeps of its phases."""

from milkrun.core import varint
from milkrun.core.rollup import PHASES, Latency
from milkrun.core.sketch import Sketch

# A phase's number is its place in PHASES, which is only ever added to.
_NUMBERS = {name: number for number, name in enumerate(PHASES)}


def encode_phases(phases: dict[str, Latency]) -> bytes:
    """For each phase its number, least, spread and sum, and its sketch with its length. The count is the sketch's."""
    data = bytearray()
    for name, latency in phases.items():
        sketch = latency.sketch.encode()
        for number in (_NUMBERS[name], latency.min, latency.max - latency.min, latency.sum, len(sketch)):
            varint.append(data, number)
        data += sketch
    return bytes(data)


def decode_phases(data: bytes) -> dict[str, Latency]:
    """Read what `encode_phases` wrote. Raises ValueError for anything else."""
    phases: dict[str, Latency] = {}
    at = 0
    while at < len(data):
        name, latency, at = _phase(data, at)
        phases[name] = latency
    return phases


def _phase(data: bytes, at: int) -> tuple[str, Latency, int]:
    number, at = varint.read(data, at)
    if number >= len(PHASES):
        raise ValueError(f"there is no phase {number}")
    least, at = varint.read(data, at)
    spread, at = varint.read(data, at)
    total, at = varint.read(data, at)
    length, at = varint.read(data, at)
    if at + length > len(data):
        raise ValueError("a sketch is cut off")
    sketch = Sketch.decode(data[at : at + length])
    latency = Latency(count=sketch.count, sum=total, min=least, max=least + spread, sketch=sketch)
    return PHASES[number], latency, at + length
