"""The process's descriptors, as the kernel sees them."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.turns import until


def open_sockets() -> int:
    """How many sockets are open now. (libuv opens files of its own when it likes.)"""
    return sum(_target(entry).startswith("socket:") for entry in Path("/proc/self/fd").iterdir())


async def settled(before: int) -> bool:
    """Whether the number of open sockets comes back to what it was."""
    return await until(lambda: open_sockets() == before)


@contextmanager
def none_left() -> Iterator[None]:
    """Inside, the process cannot open anything; what is open already stays usable."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # the one that was open to list the others
        return ""
