"""What Linux knows of a process and its connections, asked from outside, so that asking costs the process nothing."""

import time
from collections.abc import Collection
from pathlib import Path

_TIME_WAIT = "06"


def answers() -> bool:
    """Whether this is a Linux that can be asked."""
    return Path("/proc/self/fd").is_dir()


def descriptors(pid: int) -> int:
    """Descriptors that process `pid` has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def cpu_of(pid: int) -> float:
    """CPU seconds, all threads, that process `pid` has used.

    Linux encodes a process's CPU clock as (~pid << 3) | 2, as clock_getcpuclockid(3) does.
    """
    return time.clock_gettime((~pid << 3) | 2)


def lingering(ports: Collection[int]) -> int:
    """Connections to these ports that were closed on this side and are still remembered (TIME_WAIT, RFC 9293 3.6.1)."""
    wanted = {f"{port:04X}" for port in ports}
    with Path("/proc/net/tcp").open() as table:
        rows = (line.split(None, 4) for line in table)
        return sum(row[3] == _TIME_WAIT and row[2].rpartition(":")[2] in wanted for row in rows)
