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

    async def __call__(self, turn: asyncio.Lock, over: asyncio.Event) -> None:
        """As `Trouble`."""
        while not await within(over, ROOMY):
            async with turn:
                await asyncio.to_thread(self._fill)
                self.times += 1
                await within(over, FULL)
                self._path.unlink()

    def _fill(self) -> None:
        with self._path.open("wb") as filler, suppress(OSError):
            while True:  # bounded by the disk
                filler.write(bytes(65_536))
                filler.flush()


async def within(over: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, but no longer than this; whether it is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()
    return over.is_set()
