"""`python -m benchmarks soak`: thousands of misbehaving origins for minutes, and nothing grows that should not.

After warming up, which is the first third of the time, memory, sockets, connections and tasks are compared with
what they are at the end. Once nothing is under way, the client's books, the kernel and the origins have to agree.
"""

import asyncio
import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import uvloop

from benchmarks import table
from benchmarks.faulty import FaultyOrigins, faulty_origins
from benchmarks.measure import kept, open_sockets, raise_descriptor_limit, say
from benchmarks.soak_load import walk
from benchmarks.table import Row
from milkrun.client import Client, Stats

SAMPLES = 60  # over the whole time
TRIES, PAUSE = 50, 0.1  # how often all are asked for their counts, and seconds between
SHARE = 0.05  # the part by which late may differ from warm
LEAST = {"memory, MB": 4.0, "sockets": 15.0, "connections": 15.0, "tasks": 5.0}  # or by so much, if that is more


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done: `rate` times the origins are requests a second; which, and the mischief, the seed decides.

    `brief`: too little for what grows to show, so that only the books are asked.
    """

    seconds: float = 600.0
    origins: int = 2_000
    rate: float = 1.0
    seed: int = 1
    brief: bool = False


QUICK = Plan(seconds=4.0, origins=60, rate=5.0, brief=True)


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """What this process has at one moment; connections are those that the client counts."""

    megabytes: float
    sockets: int
    connections: int
    tasks: int


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: before the client was made, while it ran, once nothing was under way, and after it was closed.

    `counts` are the connections at rest: open, idle and by the budget, by the kernel, and by the origins.
    """

    outcomes: Counter[str]
    before: Footprint
    samples: list[Footprint]
    stats: Stats
    counts: tuple[int, ...]
    after: Footprint


def run(plan: Plan) -> tuple[str, bool]:
    """Soak; give the report as markdown, and whether everything was flat and balanced."""
    raise_descriptor_limit()
    with faulty_origins(plan.origins, plan.seed) as origins:
        say(f"{plan.origins:,} origins with faults at random for {plan.seconds:.0f} s, seed {plan.seed} …")
        soak = uvloop.run(_soak(plan, origins))
    rows = [*(() if plan.brief else _flat(soak.samples)), *_balanced(soak)]
    report = "\n\n".join((table.machine(), table.goals(rows), _came(soak.outcomes)))
    return report, all(row.met for row in rows)


async def _soak(plan: Plan, origins: FaultyOrigins) -> Soak:
    before = _footprint()
    samples: list[Footprint] = []
    async with Client(ca_file=origins.ca, http2=True) as client:
        watching = asyncio.create_task(_watch(client, samples, plan.seconds / SAMPLES))
        rate = plan.rate * plan.origins
        outcomes = await walk(client, origins.urls, rate=rate, seconds=plan.seconds, seed=plan.seed)
        watching.cancel()
        counts = await _agreement(client, origins, before.sockets)
        stats = client.stats()
    return Soak(outcomes=outcomes, before=before, samples=samples, stats=stats, counts=counts, after=_footprint())


async def _agreement(client: Client, origins: FaultyOrigins, sockets: int) -> tuple[int, ...]:
    """The connections by each count, once all agree or will not: closes are under way, origins tire of idle ones."""
    for _ in range(TRIES):
        stats = client.stats()
        connections, held = stats["connections"], open_sockets(os.getpid()) - sockets
        counts = connections["open"], connections["idle"], stats["descriptors"]["used"], held, origins.connections()
        if len(set(counts)) == 1:
            break
        await asyncio.sleep(PAUSE)
    return counts


async def _watch(client: Client, samples: list[Footprint], every: float) -> None:
    while True:
        await asyncio.sleep(every)
        samples.append(_footprint(client))


def _footprint(client: Client | None = None) -> Footprint:
    return Footprint(
        megabytes=kept() / 1024**2,
        sockets=open_sockets(os.getpid()),
        connections=client.stats()["connections"]["open"] if client else 0,
        tasks=len(asyncio.all_tasks()),
    )


def _flat(samples: Sequence[Footprint]) -> Iterator[Row]:
    third, sixth = len(samples) // 3, max(1, len(samples) // 6)
    for (name, least), attribute in zip(LEAST.items(), Footprint.__struct_fields__, strict=True):
        values = [getattr(sample, attribute) for sample in samples]
        warm, late = statistics.median(values[third : third + sixth]), statistics.median(values[-sixth:])
        yield Row(
            what=f"{name}, after warming up and at the end",
            goal=f"flat: within {SHARE:.0%} or {least:g}",
            measured=f"{warm:,.1f} and {late:,.1f} (from {min(values):,.1f} to {max(values):,.1f})",
            met=abs(late - warm) <= max(least, SHARE * warm),
        )


def _balanced(soak: Soak) -> Iterator[Row]:
    connections, stats = soak.stats["connections"], soak.stats
    yield Row(
        what="connections at rest: open, idle, by the budget, by the kernel, by the origins",
        goal="the same, and none in use",
        measured=", ".join(f"{count:,}" for count in soak.counts),
        met=len(set(soak.counts)) == 1 and connections["in_use"] == 0 and stats["queue"] == 0,
    )
    closed = sum(stats["closed_total"].values())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in stats["closed_total"].items())
    yield Row(
        what="connections opened, closed and open",
        goal="opened = closed + open",
        measured=f"{stats['opened_total']:,} = {closed:,} + {connections['open']:,} ({reasons})",
        met=stats["opened_total"] == closed + connections["open"],
    )
    left = (soak.after.sockets - soak.before.sockets, soak.after.tasks - soak.before.tasks)
    yield Row(
        what="sockets and tasks left once the client is closed",
        goal="none",
        measured=f"{left[0]} and {left[1]}",
        met=max(left) <= 0,
    )


def _came(outcomes: Counter[str]) -> str:
    rows = [(name, f"{count:,}", f"{count / outcomes.total():.2%}") for name, count in outcomes.most_common()]
    return f"What came of {outcomes.total():,} requests:\n\n" + table.markdown(("outcome", "requests", ""), rows)
