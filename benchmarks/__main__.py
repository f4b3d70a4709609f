"""`python -m benchmarks client|monitor|soak50 [--quick] [--write FILE]`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import client_rows, table

_PARTS: dict[str, Callable[[bool], str]] = {
    "client": lambda quick: client_rows.run(quick=quick),
}


def main() -> None:
    """Measure one part, print it as markdown, and write it into a document where asked to."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Milkrun's benchmarks, as ratios within one run.")
    parser.add_argument("part", choices=_PARTS)
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace this part's block in FILE")
    chosen = parser.parse_args()
    report = _PARTS[chosen.part](chosen.quick)
    print(report)
    if chosen.write:
        table.replace_block(chosen.write, chosen.part, report)


if __name__ == "__main__":
    main()
