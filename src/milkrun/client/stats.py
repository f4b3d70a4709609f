"""What the client knows of itself, as /api/v1/client shows it."""

from pathlib import Path
from typing import TypedDict

_SOCKSTAT = Path("/proc/net/sockstat")


class Connections(TypedDict):
    """Open ones include those being closed, which are neither idle nor in use."""

    open: int
    idle: int
    in_use: int


class DescriptorStats(TypedDict):
    """The process's budget, and its limit of descriptors of any kind."""

    used: int
    budget: int
    limit: int


class Stats(TypedDict):
    """opened_total = sum(closed_total) + connections.open, always."""

    origins: int
    connections: Connections
    opened_total: int
    closed_total: dict[str, int]
    requests_total: int
    warm_total: int
    cold_total: int
    stale_retries_total: int
    descriptors: DescriptorStats
    time_wait: int | None
    queue: int


def time_wait(sockstat: Path = _SOCKSTAT) -> int | None:
    """TCP sockets in TIME_WAIT in the whole network namespace, IPv4 and IPv6; None where it cannot be known."""
    try:
        lines = sockstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        words = line.split()
        if words[:1] == ["TCP:"] and "tw" in words:
            return int(words[words.index("tw") + 1])
    return None
