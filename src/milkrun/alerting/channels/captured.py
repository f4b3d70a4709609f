"""What a process writes, its beginning kept and the rest read away, so that it never waits for a reader."""

import asyncio
import os

KEPT = 2_000  # bytes


class Captured:
    """A pipe to give to a process as its output. To be closed by whoever made it, on the loop it was made on.

    A pipe of our own: asyncio's would hold up the end of a process for as long as any child of it has the other end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._kept = b""
        self._read, self.end = os.pipe()
        os.set_blocking(self._read, False)
        self._loop.add_reader(self._read, self._more)

    @property
    def text(self) -> str:
        """The beginning of what was written until now."""
        self._more()
        return self._kept.decode(errors="replace")

    def close_end(self) -> None:
        """The process has its copy."""
        os.close(self.end)

    def close(self) -> None:
        """Read no more; whatever of the process is still alive gets an error when it writes."""
        self._loop.remove_reader(self._read)
        os.close(self._read)

    def _more(self) -> None:
        try:
            found = os.read(self._read, 65_536)
        except BlockingIOError:
            return
        if not found:
            self._loop.remove_reader(self._read)  # an end is readable for ever
        self._kept += found[: KEPT - len(self._kept)]
