"""Ten thousand endpoints fail in the same second: one message, soon, and nothing else suffers.

A second channel accepts and never answers meanwhile: it may delay nothing but itself.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measure import say
from benchmarks.serving import Monitored, serving
from benchmarks.table import Row, limit

WITHIN = 5.0  # seconds
LATE = 20.0  # milliseconds
ALERTING = """
alerting:
  channels:
    receiver: {{type: webhook, url: "http://127.0.0.1:{receiver}/"}}
    hung: {{type: webhook, url: "http://127.0.0.1:{silent}/"}}
  routes:
    - {{name: all, channels: [receiver, hung]}}
"""


class Sudden:
    """The origin's process, which follows words, and what its receiver has taken."""

    def __init__(self, process: "subprocess.Popen[str]", deliveries: Path) -> None:
        self._process = process
        self._deliveries = deliveries
        assert process.stdout is not None
        self.endpoints, self.receiver, self.silent = map(int, process.stdout.readline().split())

    def tell(self, word: str) -> None:
        """Say a word."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def letters(self) -> list[dict[str, Any]]:
        """What arrived so far."""
        return [json.loads(line) for line in self._deliveries.read_text().splitlines()]


@contextlib.contextmanager
def _sudden(folder: Path) -> Iterator[Sudden]:
    deliveries = folder / "deliveries.jsonl"
    deliveries.touch()
    command = [sys.executable, "-m", "benchmarks.sudden_origin", str(deliveries)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Sudden(process, deliveries)
    finally:
        process.communicate()


def sudden(bench: Bench) -> None:
    """Hold the answers for most of an interval, so that every check is under way, and then let all of them fail."""
    sizes = bench.sizes
    say(f"{sizes.many:,} endpoints failing in the same second …")
    with tempfile.TemporaryDirectory(prefix="milkrun-sudden-") as name, _sudden(Path(name)) as origin:
        urls = [f"http://127.0.0.1:{origin.endpoints}/{number}" for number in range(sizes.many)]
        alerting = ALERTING.format(receiver=origin.receiver, silent=origin.silent)
        monitored = Monitored(urls=urls, interval=f"{sizes.interval}s", besides=alerting, slowest="60s")
        with serving(monitored) as server:
            _until(lambda: server.ask("endpoints?state=up")["total"] == sizes.many, 4 * sizes.interval)
            before = server.resident()
            origin.tell("hold")
            time.sleep(sizes.interval + 1)
            failed = time.time()
            origin.tell("fail")
            _until(lambda: server.ask("endpoints?state=down")["total"] == sizes.many, 2 * sizes.interval)
            _until(lambda: len(origin.letters()) > 0, 2 * sizes.interval)
            time.sleep(2 * sizes.interval)
            letters, late = origin.letters(), server.ask("schedule")["late_ms"]
            grown = (server.resident() - before) / 1024**2
            origin.tell("mend")
            _until(lambda: len(origin.letters()) > len(letters), 4 * sizes.interval)
    named = [json.loads(letter["body"])["count"] for letter in letters]
    soon = letters[0]["at"] - failed
    bench.rows += [
        Row(
            what=f"{sizes.many:,} endpoints failing in the same second",
            goal=f"one grouped message within {WITHIN:g} s",
            measured=f"{len(letters)} after {soon:.1f} s, of {', '.join(map(str, named))} incidents, "
            f"{letters[0]['bytes']:,} bytes; {grown:+.0f} MB resident",
            met=len(letters) == 1 and soon <= WITHIN and named == [sizes.many],
        ),
        limit(
            "lateness of checks meanwhile, a hung channel beside, p99",
            late["p99"],
            LATE,
            "ms",
            figures=f"max {late['max']:.0f}",
        ),
    ]


def _until(is_so: Any, within: float) -> None:
    until = time.monotonic() + within
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"not within {within:.0f} s")
        time.sleep(0.1)
