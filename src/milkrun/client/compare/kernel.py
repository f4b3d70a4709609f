"""What the kernel says of a round's connections; None where it says nothing."""

import asyncio
from collections import Counter
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypeAlias

from milkrun.client.kernel import PROC, TcpState, tcp_sockets, tells_of_tcp

Ports: TypeAlias = tuple[int, int]
"""The local port of a connection and the remote one."""

# The peer's next segment decides about them.
_CLOSING = (TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.CLOSING, TcpState.LAST_ACK)
_SETTLE = 50
_PAUSE = 0.02


def opened_by_all(proc: Path = PROC) -> int | None:
    """How many connections the network namespace has opened since it began (RFC 1213 tcpActiveOpens)."""
    try:
        lines = [line.split() for line in (proc / "net/snmp").read_text(encoding="ascii").splitlines()]
    except OSError:
        return None
    names, values = [line for line in lines if line[:1] == ["Tcp:"]]
    return int(values[names.index("ActiveOpens")])


async def time_wait(ports: AbstractSet[Ports], proc: Path = PROC) -> int | None:
    """How many sockets between these ports are in TIME_WAIT, once none is about to be, after a second at most.

    Whoever closes first has it, so both ends count, if both are on this machine.
    """
    if not tells_of_tcp(proc):
        return None
    ports = ports | {(remote, local) for local, remote in ports}
    states = _states(ports, proc)
    for _ in range(_SETTLE):
        if not any(states[state] for state in _CLOSING):
            break
        await asyncio.sleep(_PAUSE)
        states = _states(ports, proc)
    return states[TcpState.TIME_WAIT]


def _states(ports: AbstractSet[Ports], proc: Path) -> Counter[int]:
    return Counter(row.state for row in tcp_sockets(proc) if (row.local_port, row.remote_port) in ports)
