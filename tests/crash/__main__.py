"""`make crash`: kill Milkrun under load, again and again, and compare its books with what really happened.

Ends with 0 only if they agree.
"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine

from tests.crash.campaign import Size, on_a_full_disk, on_postgres, on_sqlite
from tests.crash.verdict import Verdict

CAMPAIGNS: dict[str, Callable[[Size], Coroutine[None, None, Verdict]]] = {
    "sqlite": on_sqlite,
    "postgres": on_postgres,
    "full-disk": on_a_full_disk,
}


def main() -> None:
    """Play what is asked for, and say what came of it."""
    asked = _arguments()
    size = Size(rounds=asked.rounds, endpoints=asked.endpoints, seed=asked.seed)
    # Written as a list: every campaign is played, whatever came of the one before.
    good = [_played(name, size) for name in asked.only or CAMPAIGNS]
    if not all(good):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crash", description="Kill Milkrun under load and compare its books.")
    parser.add_argument("--rounds", type=int, default=200, help="how often it is killed")
    parser.add_argument("--endpoints", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what happens; the time of day if not given")
    parser.add_argument("--only", nargs="+", choices=CAMPAIGNS)
    return parser.parse_args()


def _played(name: str, size: Size) -> bool:
    print(f"{name}: {size.rounds} kills, {size.endpoints} endpoints every second, seed {size.seed} …", flush=True)
    try:
        verdict = asyncio.run(CAMPAIGNS[name](size))
    except subprocess.CalledProcessError:
        print(f"{name}: left out, for a file system may not be mounted here")
        return True
    for fault in verdict.faults:
        print(f"  {fault}")
    print(
        f"{name}: {len(verdict.faults)} faults; {verdict.outages:,} outages, {verdict.letters:,} messages, "
        f"{verdict.results:,} results; at worst {verdict.worst_loss:.2f} s of results missing before a kill"
    )
    return not verdict.faults


if __name__ == "__main__":
    main()
