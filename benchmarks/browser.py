"""A real headless Chromium looking at the dashboard."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from benchmarks.measure import sockets

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ESTABLISHED = 1


def find() -> str | None:
    """The machine's Chromium, if it has one."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def browsing(url: str, port: int) -> Iterator[None]:
    """Keep `url`, served on `port`, open in a browser; begins once the browser's stream is connected."""
    chromium = find()
    if chromium is None:
        raise SystemExit("a browser is part of this measurement: install chromium")
    with tempfile.TemporaryDirectory(prefix="milkrun-chromium-", ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        process = subprocess.Popen(
            [chromium, *options, f"--user-data-dir={profile}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _connected(port)
            yield
        finally:
            process.terminate()
            process.wait(10)


def _connected(port: int) -> None:
    for _ in range(200):
        if sockets(port, ESTABLISHED):
            return
        time.sleep(0.1)
    raise SystemExit("the browser did not open the dashboard")
