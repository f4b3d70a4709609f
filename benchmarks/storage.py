"""What history costs the disk: bytes a raw result, and bytes written against what the database grew by."""

import resource
import tempfile
import time
from pathlib import Path

from benchmarks.bench import Bench, visited
from benchmarks.measure import say
from benchmarks.serving import Monitored, serving
from benchmarks.table import Row, limit

BLOCK = 512  # what the kernel counts a child's writes in
RAW = 60.0
AMPLIFICATION = 5.0


def written(bench: Bench) -> None:
    """Run twice on one history: the second run's growth holds no first-time costs (tables, endpoints, hours)."""
    say("bytes written …")
    with tempfile.TemporaryDirectory(prefix="milkrun-history-", dir="/var/tmp") as name:
        data = Path(name)
        before, _, _ = _run(bench, data, bench.sizes.window / 2)
        after, results, wrote = _run(bench, data, 2 * bench.sizes.window)
    growth = after - before
    figures = f"{results:,} results, {growth / 1024**2:.1f} MB"
    bench.rows.append(
        limit("a raw result in the database, indexes included", growth / results, RAW, "bytes", figures=figures)
    )
    bench.rows.append(
        Row(
            what="bytes written to disk",
            goal=f"<= {AMPLIFICATION:g} x the database's growth",
            measured=f"{wrote / growth:.2f} x ({wrote / 1024**2:.1f} MB)",
            met=wrote <= AMPLIFICATION * growth,
        )
    )


def _run(bench: Bench, data: Path, seconds: float) -> tuple[int, int, int]:
    """Serve for `seconds` and stop; the database's size then, results stored, and bytes the process wrote."""
    sizes = bench.sizes
    base, wrote = bench.ours.counts().requests, _children_wrote()
    with serving(Monitored(urls=bench.ours.plain(sizes.some), interval="1s"), data=data) as server:
        visited(bench, base, sizes.some, within=30)
        time.sleep(seconds)
    return server.database(), bench.ours.counts().requests - base, _children_wrote() - wrote


def _children_wrote() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock * BLOCK
