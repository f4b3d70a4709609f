"""Take docs/dashboard.png again: start the demo, let it fill its charts, and photograph the first page.

Run as `python -m tools.screenshot [SECONDS]`. Five minutes give every row its thirty results.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.chromium import find

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "dashboard.png"
SECONDS = 310.0
SIZE = {"width": 1280, "height": 860}


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo; gives the address of its pages."""
    command = [str(Path(sys.executable).with_name("milkrun")), "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGTERM)


def _address(process: "subprocess.Popen[str]") -> str:
    for line in process.stdout or ():
        if found := re.search(r"http://\S+", line):
            return found[0].rstrip(".")
    raise SystemExit("the demo ended without saying where its pages are")


def photograph(address: str, picture: Path) -> None:
    """Write what a browser shows at `address`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
        page.goto(address, wait_until="load")
        page.screenshot(path=picture)
        browser.close()


def main() -> int:
    """Start, wait, photograph."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with demo() as address:
        time.sleep(seconds)
        photograph(address, PICTURE)
    print(f"wrote {PICTURE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
