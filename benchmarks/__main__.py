"""`python -m benchmarks client|monitor [--quick] [--only PART …] [--write FILE]`."""

import argparse
from pathlib import Path

from benchmarks import client_rows, monitor_rows, table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Milkrun's benchmarks, as ratios within one run.")
    parser.add_argument("part", choices=("client", "monitor", "soak50"))
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--own-origins", action="store_true", help="the small origin server, not nginx")
    parser.add_argument(
        "--only", nargs="+", choices=monitor_rows.PARTS, default=(), help="these of the monitor's parts"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace this part's block in FILE")
    return parser.parse_args()


def main() -> None:
    """Measure, print the report as markdown, and write it into a document where asked to."""
    asked = _arguments()
    if asked.part == "client":
        report = client_rows.run(quick=asked.quick, own=asked.own_origins)
    else:
        parts = ("soak50",) if asked.part == "soak50" else asked.only
        report = monitor_rows.run(quick=asked.quick, own=asked.own_origins, parts=parts)
    print(report)
    if asked.write:
        table.replace_block(asked.write, asked.part, report)


if __name__ == "__main__":
    main()
