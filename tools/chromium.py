"""Make sure that the tests have a Chromium: the one on the PATH, else from apt, else Playwright's own."""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools import apt

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a Chromium that is already there: on the PATH, or installed by Playwright."""
    return next((path for name in NAMES if (path := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Try apt; where that does not give a browser, let Playwright fetch its own."""
    apt.install("chromium")
    if not find():
        subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=False)


def main() -> int:
    """Find or install; one line and 1 where neither was possible."""
    if not find():
        install()
    if not find():
        print("No Chromium could be installed: put one on the PATH (apt-get install chromium).", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
