"""Make sure that the tests have a Chromium: the one on the PATH, else from apt, else Playwright's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a Chromium that is already there: on the PATH, or installed by Playwright."""
    return next((path for name in NAMES if (path := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def apt_commands() -> list[list[str]]:
    """Return what installs it with apt: nothing where there is no apt, or no right to use it without a password."""
    if not shutil.which("apt-get"):
        return []
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if sudo and subprocess.run([*sudo, "true"], check=False, capture_output=True).returncode:
        return []
    return [[*sudo, "apt-get", "update", "-qq"], [*sudo, "apt-get", "install", "-y", "-qq", "chromium"]]


def install() -> None:
    """Try apt; where that does not give a browser, let Playwright fetch its own."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in apt_commands():
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=quiet)
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
