"""`python -m benchmarks client|monitor|soak [--quick] [--only PART …] [--seconds N] [--write FILE]`."""

import argparse
from pathlib import Path

from benchmarks import client_rows, monitor_rows, soak_faults, table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Milkrun's benchmarks, as ratios within one run.")
    parser.add_argument("part", choices=("client", "monitor", "soak50", "soak"))
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--own-origins", action="store_true", help="the small origin server, not nginx")
    parser.add_argument(
        "--only", nargs="+", choices=monitor_rows.PARTS, default=(), help="these of the monitor's parts"
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to soak")
    parser.add_argument("--origins", type=int, default=2_000, help="how many origins to soak")
    parser.add_argument("--seed", type=int, default=1, help="which faults they have")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace this part's block in FILE")
    return parser.parse_args()


def _report(asked: argparse.Namespace) -> tuple[str, bool]:
    """The part's report, and whether nothing in it is to end in a failure."""
    if asked.part == "soak":
        plan = soak_faults.Plan(seconds=asked.seconds, origins=asked.origins, seed=asked.seed)
        return soak_faults.run(soak_faults.QUICK if asked.quick else plan)
    if asked.part == "client":
        return client_rows.run(quick=asked.quick, own=asked.own_origins), True
    parts = ("soak50",) if asked.part == "soak50" else asked.only
    return monitor_rows.run(quick=asked.quick, own=asked.own_origins, parts=parts), True


def main() -> None:
    """Measure, print the report as markdown, and write it into a document where asked to."""
    asked = _arguments()
    report, good = _report(asked)
    print(report)
    if asked.write:
        table.replace_block(asked.write, asked.part, report)
    if not good:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
