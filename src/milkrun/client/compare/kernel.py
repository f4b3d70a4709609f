"""What the kernel says of connections, from /proc; None where there is no such file."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypeAlias

PROC_NET = Path("/proc/net")

Ports: TypeAlias = tuple[int, int]
"""The local port of a connection and the remote one."""

_TIME_WAIT = "06"
# FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK (include/net/tcp_states.h): the peer's next segment decides about them.
_CLOSING = frozenset({"04", "05", "0B", "09"})
_SETTLE = 50
_PAUSE = 0.02


def opened_by_all(net: Path = PROC_NET) -> int | None:
    """How many connections the network namespace has opened since it began (RFC 1213 tcpActiveOpens)."""
    try:
        lines = [line.split() for line in (net / "snmp").read_text(encoding="ascii").splitlines()]
    except OSError:
        return None
    names, values = [line for line in lines if line[:1] == ["Tcp:"]]
    return int(values[names.index("ActiveOpens")])


async def time_wait(ports: AbstractSet[Ports], net: Path = PROC_NET) -> int | None:
    """How many sockets between these ports are in TIME_WAIT, once none is about to be, after a second at most.

    Whoever closes first has it, so both ends count, if both are on this machine.
    """
    ports = ports | {(remote, local) for local, remote in ports}
    states = _states(ports, net)
    for _ in range(_SETTLE):
        if states is None or not any(states[state] for state in _CLOSING):
            break
        await asyncio.sleep(_PAUSE)
        states = _states(ports, net)
    return None if states is None else states[_TIME_WAIT]


def _states(ports: AbstractSet[Ports], net: Path) -> Counter[str] | None:
    try:
        return Counter(state for table in ("tcp", "tcp6") for pair, state in _rows(net / table) if pair in ports)
    except OSError:
        return None


def _rows(table: Path) -> Iterator[tuple[Ports, str]]:
    """The ports and the state of each socket; a system without IPv6 has no table of it."""
    if table.name == "tcp6" and not table.exists():
        return
    with table.open(encoding="ascii") as lines:
        next(lines)
        for line in lines:
            _, local, remote, state, _ = line.split(None, 4)
            yield (_port(local), _port(remote)), state


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
