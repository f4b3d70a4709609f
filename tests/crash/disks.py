"""A disk of a few megabytes that fills up and is freed again, as often as there is time for."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE = 64  # MiB
ROOMY = 12.0  # seconds between two times without room
FULL = 8.0


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    """A file system in memory with little room, mounted while the context lasts.

    Raises CalledProcessError where mounting is not permitted.
    """
    at.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "milkrun", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", str(at)], check=True)


class Filler:
    """Takes all the room that is left, and gives it back."""

    def __init__(self, folder: Path) -> None:
        self.times = 0
        self._path = folder / "filler"

    async def __call__(self, over: asyncio.Event) -> None:
        """Fill and free in turn until it is over."""
        while not await _within(over, ROOMY):
            await asyncio.to_thread(self._fill)
            self.times += 1
            await _within(over, FULL)
            self._path.unlink()

    def _fill(self) -> None:
        with self._path.open("wb") as filler, suppress(OSError):
            while True:  # bounded by the disk
                filler.write(bytes(65_536))
                filler.flush()


async def _within(over: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()
    return over.is_set()
