"""Hold the coverage of the last test run to its floors: everything for the parts that decide, 95% for the whole."""

import io
import sys

from coverage import Coverage

FLOORS = {"src/milkrun": 95.0, "src/milkrun/core": 100.0, "src/milkrun/client": 100.0, "src/milkrun/monitor": 100.0}


def measure(coverage: Coverage, folder: str) -> tuple[float, str]:
    """Return the percentage covered below `folder`, branches included, and coverage's table of what is missing."""
    table = io.StringIO()
    return coverage.report(include=[f"{folder}/*"], file=table), table.getvalue()


def main() -> int:
    """Print a line a floor, and for each that is not reached what is missing; 1 where one is not."""
    coverage = Coverage()
    coverage.load()
    failed = False
    for folder, floor in FLOORS.items():
        percent, table = measure(coverage, folder)
        print(f"coverage of {folder}: {percent:.2f}% (floor {floor:g}%)")
        if percent < floor:
            failed = True
            print(table, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
