"""Slots: the times at which an endpoint is due, the same after a restart and on another machine.

A slot is epoch milliseconds, `phase + k * interval`. The phase is a stable hash of the endpoint's key, so that
many endpoints of one interval spread evenly over it. All times and durations here are whole milliseconds.
"""

from hashlib import blake2b

HASH_BYTES = 8


def phase(key: str, interval: int) -> int:
    """Where in its interval an endpoint is due: 0 <= phase < interval, always the same for the same key."""
    digest = blake2b(key.encode(), digest_size=HASH_BYTES).digest()
    return int.from_bytes(digest) % interval
