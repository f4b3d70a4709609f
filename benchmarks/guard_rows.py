"""What the guard costs while nothing churns: its bookkeeping, around a client that does nothing else."""

import statistics
import timeit
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks import table
from benchmarks.table import Row
from milkrun.client import guard
from milkrun.client.guard.clients import Kind, patch_class
from milkrun.client.guard.patches import Patches

GOAL = 2.0
MICRO = 1e6


class Thin:
    """A client that costs nothing."""

    def __init__(self, *, verify: bool) -> None:
        """Keep nothing."""

    async def aclose(self) -> None:
        """Close nothing."""


def live() -> None:
    """Construct one, close it, let go of it."""
    client = Thin(verify=False)
    with suppress(StopIteration):
        client.aclose().send(None)


def life(lives: int = 300, runs: int = 300) -> float:
    """Microseconds a client takes, in the best of so many runs: whatever disturbs only adds."""
    return min(timeit.repeat(live, number=lives, repeat=runs)) / lives * MICRO


@contextmanager
def guarded() -> Iterator[None]:
    """Watched as the classes of others are; within no time at all there are never too many."""
    patches = Patches()
    with guard.watching(guard.Limits(within=0.0)):
        patch_class(patches, Thin, Kind("benchmarks", "Thin", ("aclose",)))
        try:
            yield
        finally:
            patches.undo()


def rows(rounds: int) -> list[Row]:
    """The row of the guard: unwatched and watched in turns, the median of the differences."""
    costs = []
    for _ in range(rounds):
        bare = life()
        with guarded():
            costs.append(life() - bare)
    shown = "constructed, closed and let go"
    return [table.limit("guard, quiet: us a client", statistics.median(costs), GOAL, "us", figures=shown)]
