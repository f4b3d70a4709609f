"""`make fuzz`: search for counterexamples, each kind of property for its share of the time, one for each processor
at once.

What was learnt about inputs is kept in `.fuzz`, so that the next run goes on from there.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import SEEDS, TARGETS

KEPT = Path(".fuzz")
_STUCK = 10  # seconds that one input may take
_LONGEST = 500  # bytes of one input
_SPARE = 120  # seconds beyond its share after which a process is itself stuck
_TRIED = re.compile(r"number_of_executed_units: (\d+)")


def search(name: str, share: float) -> tuple[bool, str]:
    """Try one kind for so many seconds; whether all held, and what was said."""
    inputs = KEPT / name
    inputs.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS.get(name, ())):
        (inputs / f"seed-{number}").write_bytes(seed)
    limits = [
        f"-timeout={_STUCK}",
        f"-max_len={_LONGEST}",
        "-len_control=0",
        f"-artifact_prefix={KEPT}/{name}-",
        "-print_final_stats=1",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.driver", name, str(time.time() + share), *limits, str(inputs)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=share + _SPARE,
        check=False,
    )
    lines = (ran.stdout + ran.stderr).splitlines()
    return ran.returncode == 0, "\n".join(line for line in lines if not line.startswith("#"))  # "#": how far it is


def main() -> int:
    """Try them all; 1 if any has a counterexample."""
    workers = os.cpu_count() or 1
    rounds = -(-len(TARGETS) // workers)
    with ThreadPoolExecutor(workers) as pool:
        results = pool.map(search, TARGETS, [int(sys.argv[1]) / rounds] * len(TARGETS))
        told = [_told(name, *result) for name, result in zip(TARGETS, results, strict=True)]
    return int(not all(told))


def _told(name: str, held: bool, said: str) -> bool:
    tried = _TRIED.search(said)
    count = f"{int(tried[1]):,} inputs" if tried else "nothing"
    sys.stdout.write(f"{name}: held for {count}\n" if held else f"{name}: a counterexample\n{said}\n")
    sys.stdout.flush()
    return held


if __name__ == "__main__":
    raise SystemExit(main())
