"""What reading a year of history of 10,000 endpoints takes: results of one, a quantile, what all of them did."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from benchmarks import year
from benchmarks.bench import QUICK, Bench
from benchmarks.measure import quantile, say
from benchmarks.table import limit
from milkrun.core.rollup import together
from milkrun.store.opening import open_store
from milkrun.store.sql import SqlStore

READ = 20.0  # ms
OVERVIEW = 100.0  # ms
TIMES = 40

SMALL = year.Year(endpoints=200, days=100, hours=48, packed=24)


def history(bench: Bench) -> None:
    """Make the year, and read it as pages and reports do."""
    say("a year of history …")
    with tempfile.TemporaryDirectory(prefix="milkrun-year-", dir="/var/tmp") as name:
        path = Path(name) / "milkrun.db"
        registered = year.make(path, SMALL if bench.sizes is QUICK else year.Year())
        say(f"… {path.stat().st_size / 1e9:.1f} GB of it is read")
        asyncio.run(_read(bench, path, [one.id for one in registered]))


async def _read(bench: Bench, path: Path, endpoints: list[int]) -> None:
    store = await open_store(path)
    plan = Random(7)  # noqa: S311 - a plan that can be repeated, no secret
    for what, question in _questions(store, plan, endpoints).items():
        took = [await _timed(question) for _ in range(TIMES)]
        figures = f"p95 {quantile(took, 0.95):.1f} ms"
        goal = OVERVIEW if "all endpoints" in what else READ
        bench.rows.append(limit(what, statistics.median(took), goal, "ms", figures=figures))
    await store.close()


def _questions(store: SqlStore, plan: Random, endpoints: list[int]) -> dict[str, Callable[[], Awaitable[object]]]:
    now, day = year.NOW, year.DAY

    async def last_hour() -> object:
        return await store.stretch(plan.choice(endpoints), since=now - year.HOUR, until=now)

    async def last_day() -> object:
        return await store.stretch(plan.choice(endpoints), since=now - day, until=now)

    async def any_range() -> object:
        since = plan.randrange(now - day, now)
        return await store.stretch(plan.choice(endpoints), since=since, until=plan.randrange(since, now))

    async def ninety_days() -> object:
        rollups = await store.window(plan.choice(endpoints), since=now - 90 * day, until=now)
        return together(rollup.phases["total"] for rollup in rollups).quantile(0.99)

    async def newest() -> object:
        return await store.results(plan.choice(endpoints), limit=100)

    return {
        "one endpoint's last hour": last_hour,
        "one endpoint's last day (8,640 results)": last_day,
        "one endpoint's results in a random range of a day": any_range,
        "one endpoint's newest 100 results": newest,
        "one endpoint's p99 over 90 days": ninety_days,
    }


async def _timed(question: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await question()
    return (time.perf_counter() - began) * 1_000
