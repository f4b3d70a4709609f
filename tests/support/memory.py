"""The process's memory, as the kernel sees it."""

import resource
from pathlib import Path


def resident() -> int:
    """Bytes of it that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
