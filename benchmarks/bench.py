"""What every measurement of the monitor shares: sizes, origin servers, and the rows found so far."""

import time

import msgspec

from benchmarks.measure import ROUNDS
from benchmarks.origins import Origins
from benchmarks.serving import Serving
from benchmarks.table import Row

MICRO = 1e6


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. `interval`, `age` and `fast_interval` are seconds, as are `fast` and `window`.

    `rates` and `many` are endpoints visited every interval; `age` a connection's maximum age and `ages` how many of
    them are watched; `descriptors` the limit that makes the budget smaller than `some` endpoints.
    """

    rounds: int = ROUNDS
    interval: int = 10
    rates: tuple[int, ...] = (50, 1_000)
    many: int = 10_000
    fast_interval: int = 2
    fast: float = 4.0
    some: int = 1_000
    age: int = 10
    ages: int = 3
    descriptors: int = 700
    window: float = 30.0
    pages: int = 30
    soak: int = 600
    endure: float = 600.0


QUICK = Sizes(
    rounds=2,
    interval=2,
    fast_interval=1,
    rates=(20,),
    many=300,
    fast=1.0,
    some=100,
    age=3,
    descriptors=260,
    window=4.0,
    pages=5,
    soak=12,
    endure=8.0,
)


class Bench(msgspec.Struct, kw_only=True):
    """The origin servers, Milkrun's and the bare loop's (`own`: of our own making), and what has been found."""

    ours: Origins
    bare: Origins
    own: bool
    sizes: Sizes
    rows: list[Row] = []
    figures: dict[str, dict[str, float]] = {}

    def note(self, what: str, **figures: float) -> None:
        """Keep figures that stand behind a row."""
        self.figures.setdefault(what, {}).update(figures)


def visited(bench: Bench, base: int, count: int, *, within: float) -> float:
    """Wait until the origins have answered `count` requests more than `base`; seconds it took."""
    began = time.monotonic()
    while bench.ours.counts().requests < base + count:
        if time.monotonic() > began + within:
            raise SystemExit(f"fewer than {count:,} checks in {within:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


def cpu_per_check(bench: Bench, server: Serving, seconds: float) -> float:
    """CPU microseconds of the whole process for each check that reached an origin, over `seconds`."""
    cpu, requests = server.cpu(), bench.ours.counts().requests
    time.sleep(seconds)
    return (server.cpu() - cpu) / (bench.ours.counts().requests - requests) * MICRO
