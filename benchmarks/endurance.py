"""Ten minutes of 10,000 endpoints every 10 s: what history costs the processor, the schedule and the disk."""

import re
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.bench import MICRO, Bench, visited
from benchmarks.measure import say
from benchmarks.serving import Monitored, Serving, serving
from benchmarks.table import Row, limit

WRITER = 15.0  # microseconds
RAW = 60.0  # bytes
AMPLIFICATION = 5.0
LATE = 20.0  # milliseconds
SETTLED = 60.0  # seconds until connections are warm and what is written once is written


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the process and its database come to at one moment."""

    results: int
    writer: float
    size: int
    written: int
    memory: int


def endure(bench: Bench) -> None:
    """Watch from the second minute on, so that growth holds no first-time costs."""
    sizes = bench.sizes
    say(f"{sizes.many:,} endpoints every {sizes.interval} s for {sizes.endure:.0f} s …")
    base = bench.ours.counts().requests
    monitored = Monitored(urls=bench.ours.plain(sizes.many), interval=f"{sizes.interval}s")
    with (
        tempfile.TemporaryDirectory(prefix="milkrun-endure-", dir="/var/tmp") as name,
        serving(monitored, data=Path(name)) as server,
    ):
        visited(bench, base, sizes.many, within=6 * sizes.interval)
        time.sleep(min(SETTLED, sizes.endure / 4))
        before = _books(bench, server)
        time.sleep(sizes.endure)
        after = _books(bench, server)
        schedule = server.ask("schedule")
    _report(bench, before, after, schedule)


def _books(bench: Bench, server: Serving) -> Books:
    spent = re.search(rb"^milkrun_store_writer_cpu_seconds_total (\S+)", server.get("/metrics"), re.MULTILINE)
    assert spent is not None
    return Books(
        results=bench.ours.counts().requests,
        writer=float(spent[1]),
        size=server.database(),
        written=_written(server.pid),
        memory=server.resident(),
    )


def _written(pid: int) -> int:
    """Bytes that a process has had written to its disk."""
    found = re.search(r"^write_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _report(bench: Bench, before: Books, after: Books, schedule: dict[str, dict[str, float]]) -> None:
    results, growth = after.results - before.results, after.size - before.size
    wrote = after.written - before.written
    figures = f"{results:,} results"
    late = schedule["late_ms"]
    bench.rows += [
        limit(
            "writing a result, CPU of the store's writer",
            (after.writer - before.writer) / results * MICRO,
            WRITER,
            "us",
            figures=figures,
        ),
        limit(
            "the database's growth, a raw result",
            growth / results,
            RAW,
            "bytes",
            figures=f"{growth / 1024**2:.1f} MB; roll-ups and indexes included",
        ),
        Row(
            what="bytes written to disk meanwhile",
            goal=f"<= {AMPLIFICATION:g} x that growth",
            measured=f"{wrote / growth:.2f} x ({wrote / 1024**2:.1f} MB)",
            met=wrote <= AMPLIFICATION * growth,
        ),
        limit(
            "lateness meanwhile, its own account, p99",
            late["p99"],
            LATE,
            "ms",
            figures=f"max {late['max']:.0f}; {schedule['skipped_total']} skipped of {schedule['due_total']:,}; "
            f"{(after.memory - before.memory) / 1024**2:+.0f} MB resident",
        ),
    ]
