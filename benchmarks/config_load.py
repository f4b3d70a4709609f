"""What loading 10,000 endpoints costs, as a ratio to yaml.compose (libyaml) of the same file, CPU time, one run.

Run with `python -m benchmarks.config_load`. The goal is 3 at most.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from milkrun.config.load import load
from milkrun.probes.kinds import KINDS

ENDPOINTS = 10_000
ROUNDS = 5

ENDPOINT = """\
  - name: service-{number}
    group: group-{group}
    url: "https://service-{number}.example.org/health"
    interval: 30s
    headers:
      Accept: application/json
    client:
      timeout: 5s
    conditions:
      - "[STATUS] == 200"
      - "[RESPONSE_TIME] < 500"
      - "[BODY].status == UP"
"""


def document(endpoints: int = ENDPOINTS) -> str:
    """A configuration of many endpoints as people write them."""
    items = (ENDPOINT.format(number=number, group=number % 20) for number in range(endpoints))
    return "endpoints:\n" + "".join(items)


def cpu_seconds(work: Callable[[], object]) -> float:
    """The process's CPU time for one call, with the heap clean before it."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(rounds: int = ROUNDS) -> tuple[float, float]:
    """Median CPU seconds of composing and of loading, taken in turn."""
    text = document()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(text, encoding="utf-8")
        assert len(load([file], KINDS, {}).endpoints) == ENDPOINTS
        pairs = [
            (cpu_seconds(lambda: yaml.compose(text, Loader=yaml.CLoader)), cpu_seconds(lambda: load([file], KINDS, {})))
            for _ in range(rounds)
        ]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> None:
    """Print the ratio."""
    composed, loaded = measure()
    print(f"yaml.compose (C)  {composed:6.3f} s CPU for {ENDPOINTS:,} endpoints")
    print(f"milkrun load      {loaded:6.3f} s CPU")
    print(f"ratio             {loaded / composed:6.2f}   (goal: at most 3)")


if __name__ == "__main__":
    main()
