"""What the client knows of itself: in total, as /api/v1/client shows it, and by origin."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from milkrun.client.exchange.link import Link
from milkrun.client.pool.learnt import Learnt

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


class OriginStats(TypedDict):
    """One origin.

    Here a request counts once it has begun on a connection, and again when it is sent again: one that got no
    connection is in the total alone. requests_total = warm_total + cold_total; the cold ones were the first of their
    connection. `version` is what its connections speak, "1.1" or "2", as far as is known. `survival` is how many
    seconds its server lets a connection be idle, if it was found to close them earlier than we would.
    """

    connections: Connections
    opened_total: int
    requests_total: int
    warm_total: int
    cold_total: int
    version: str | None
    survival: float | None


def by_origin(learnt: Mapping[str, Learnt], links: Iterable[Link], now: float) -> dict[str, OriginStats]:
    """The figures of each origin.

    Args:
        learnt: what is known, by the key that connections are pooled by: the origin, then its options.
        links: the connections that are open.
        now: clock seconds.
    """
    origins: dict[str, OriginStats] = {}
    for key, known in learnt.items():
        _add_known(_of(origins, key), known, now)
    for link in links:
        _add_link(_of(origins, link.key), link)
    for figures in origins.values():
        figures["warm_total"] = figures["requests_total"] - figures["cold_total"]
    return origins


def _of(origins: dict[str, OriginStats], key: str) -> OriginStats:
    origin = key.partition(" ")[0]
    figures = origins.get(origin)
    if figures is None:
        figures = origins[origin] = _nothing()
    return figures


def _nothing() -> OriginStats:
    return {
        "connections": {"open": 0, "idle": 0, "in_use": 0},
        "opened_total": 0,
        "requests_total": 0,
        "warm_total": 0,
        "cold_total": 0,
        "version": None,
        "survival": None,
    }


def _add_known(figures: OriginStats, known: Learnt, now: float) -> None:
    figures["opened_total"] += known.opened
    figures["requests_total"] += known.exchanges
    figures["cold_total"] += known.opened - known.unused
    if known.single:
        figures["version"] = figures["version"] or "1.1"
    if now < known.until:
        figures["survival"] = min(known.survival, figures["survival"] or known.survival)


def _add_link(figures: OriginStats, link: Link) -> None:
    connections = figures["connections"]
    connections["open"] += 1
    connections["idle"] += link.is_idle
    connections["in_use"] += link.ended is None and not link.is_idle
    figures["requests_total"] += link.uses
    figures["cold_total"] -= not link.uses
    figures["version"] = "2" if link.shared or figures["version"] == "2" else "1.1"


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
