"""How things are measured: CPU time and memory of a process, rounds, medians and paired ratios."""

import ctypes
import gc
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
ROUNDS = 5


def say(text: str) -> None:
    """Tell whoever waits what is being measured."""
    print(text, file=sys.stderr, flush=True)


def raise_descriptor_limit() -> None:
    """Raise this process's limit of descriptors to what it may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_of(pid: int) -> float:
    """CPU seconds, all threads, that process `pid` has used.

    Linux encodes a process's CPU clock as (~pid << 3) | 2, as clock_getcpuclockid(3) does: nanoseconds where
    /proc/PID/stat has hundredths.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident(pid: int | None = None) -> int:
    """Resident memory in bytes of process `pid`, or of this one."""
    return int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1]) * PAGE


def kept() -> int:
    """Resident memory in bytes of this process without garbage, and without what its allocator holds in reserve.

    The reserve grows for minutes under a mixed load without anything being kept; only glibc's can be given back.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return resident()


def descriptors(pid: int) -> int:
    """Descriptors that process `pid` has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def open_sockets(pid: int) -> int:
    """Sockets that process `pid` has open; of files libuv opens some when it likes."""
    return sum(_target(entry).startswith("socket:") for entry in Path(f"/proc/{pid}/fd").iterdir())


def starved(pid: int) -> float:
    """Seconds that the main thread of process `pid` has been ready to run but had no core."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def sockets(port: int, state: int) -> int:
    """IPv4 sockets of the network namespace in TCP state `state` (1 established, 6 TIME_WAIT) with `port` at an end."""
    wanted, shown = f":{port:04X}", f"{state:02X}"
    with Path("/proc/net/tcp").open() as table:
        rows = (line.split(None, 4) for line in table)
        return sum(row[3] == shown and (row[1].endswith(wanted) or row[2].endswith(wanted)) for row in rows)


def quantile(values: Iterable[float], q: float) -> float:
    """The `q` quantile of `values`, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the rounds' ratios: what disturbed a round disturbed both sides of it."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def medians(rounds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Each series' median."""
    return {name: statistics.median(values) for name, values in rounds.items()}


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""
