"""Fifty endpoints every ten seconds for ten minutes: descriptors stay flat, and TIME_WAIT does not grow."""

import statistics
import time

import msgspec

from benchmarks.bench import Bench, visited
from benchmarks.measure import say, sockets
from benchmarks.origins import origins
from benchmarks.serving import Monitored, serving
from benchmarks.table import Row

ENDPOINTS = 50
TIME_WAIT = 6
SAMPLE = 5.0
SLACK = 3  # descriptors: a database file or a page's connection may be open at the moment of a sample
MAX_AGE = 300.0
TIME_WAIT_SECONDS = 60.0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen at one moment."""

    descriptors: int
    time_wait: int
    megabytes: float


def soak(bench: Bench) -> None:
    """Watch the process from outside, without asking it anything; at origins that nobody else has visited."""
    with origins(own=bench.own) as alone:
        _watch(msgspec.structs.replace(bench, ours=alone))


def _watch(bench: Bench) -> None:
    sizes = bench.sizes
    say(f"{ENDPOINTS} endpoints every {sizes.interval} s for {sizes.soak} s …")
    base = bench.ours.counts()
    samples = []
    with serving(Monitored(urls=bench.ours.plain(ENDPOINTS), interval=f"{sizes.interval}s")) as server:
        visited(bench, base.requests, ENDPOINTS, within=3 * sizes.interval)
        until = time.monotonic() + sizes.soak
        while time.monotonic() < until:
            time.sleep(min(SAMPLE, sizes.interval))
            waiting = sockets(bench.ours.port(), TIME_WAIT)
            samples.append(
                Sample(descriptors=server.descriptors(), time_wait=waiting, megabytes=server.resident() / 1024**2)
            )
        counts = bench.ours.counts()
    bench.rows += _rows(samples, counts.accepts - base.accepts, counts.requests - base.requests)


def _rows(samples: list[Sample], accepts: int, requests: int) -> list[Row]:
    held = [sample.descriptors for sample in samples]
    waiting = [sample.time_wait for sample in samples]
    third = max(1, len(samples) // 3)
    growth = statistics.median(held[-third:]) - statistics.median(held[:third])
    # Each connection is renewed once in its maximum age (jittered down by a tenth) and waits for a minute then.
    bound = ENDPOINTS if len(samples) * SAMPLE < MAX_AGE else round(1.5 * ENDPOINTS * TIME_WAIT_SECONDS / MAX_AGE)
    late = statistics.median(waiting[-third:])
    return [
        Row(
            what=f"{ENDPOINTS} endpoints: descriptors over the run",
            goal=f"flat: within {SLACK} from the first third to the last",
            measured=f"{min(held)} to {max(held)}, {growth:+.0f}; {accepts:,} connections for {requests:,} checks; "
            f"{samples[0].megabytes:.0f} to {samples[-1].megabytes:.0f} MB",
            met=abs(growth) <= SLACK,
        ),
        Row(
            what=f"{ENDPOINTS} endpoints: sockets in TIME_WAIT to the origins",
            goal=f"not growing: at most {bound} in the last third",
            measured=f"{late:.0f} in the last third, greatest {max(waiting)}",
            met=late <= bound,
        ),
    ]
