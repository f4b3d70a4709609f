"""Properties in a process of their own, the inputs chosen by what of the client they reach: see `__main__`."""

import sys
import time
from functools import partial

import atheris


def main() -> None:
    """Take a name of `TARGETS`, the time to end and libFuzzer's options; ends the process itself."""
    with atheris.instrument_imports(include=["milkrun.client"]):
        from tests.fuzz.targets import choose

    program, name, until, *options = sys.argv
    left = max(1, int(float(until) - time.time()))  # what loading has left of it
    atheris.Setup([program, f"-max_total_time={left}", *options], partial(choose, name))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
