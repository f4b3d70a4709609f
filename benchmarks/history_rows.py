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
from benchmarks.serving import Monitored, serving
from benchmarks.table import limit
from milkrun.core.rollup import together
from milkrun.store.opening import open_store
from milkrun.store.sql import SqlStore

READ = 20.0  # ms
OVERVIEW = 100.0  # ms
MADE = 150.0  # s
TIMES = 40

SMALL = year.Year(endpoints=200, days=100, whole=5, month=2, week=2)


def history(bench: Bench) -> None:
    """Make the year, and read it as pages and reports do."""
    say("a year of history …")
    with tempfile.TemporaryDirectory(prefix="milkrun-year-", dir="/var/tmp") as name:
        path, size = Path(name) / "milkrun.db", SMALL if bench.sizes is QUICK else year.Year()
        began = time.monotonic()
        registered = year.make(path, size)
        took = time.monotonic() - began
        of = f"{path.stat().st_size / 1e9:.1f} GB; hours, five minutes and packed hours in full of {size.whole} of them"
        bench.rows.append(limit(f"to make a year of {size.endpoints:,} endpoints", took, MADE, "s", figures=of))
        asyncio.run(_read(bench, path, [one.id for one in registered], size))
        _page(bench, path.parent, size)


async def _read(bench: Bench, path: Path, endpoints: list[int], size: year.Year) -> None:
    store = await open_store(path)
    plan = Random(7)  # noqa: S311 - a plan that can be repeated, no secret
    for what, question in _questions(store, plan, endpoints, size).items():
        took = [await _timed(question) for _ in range(TIMES)]
        bench.rows.append(limit(what, statistics.median(took), READ, "ms", figures=_tail(took)))
    await store.close()


def _page(bench: Bench, data: Path, size: year.Year) -> None:
    """The overview of all endpoints by whoever serves that history; they are checked once an hour."""
    took: list[float] = []
    with serving(Monitored(urls=bench.ours.plain(size.endpoints), interval="1h"), data=data) as server:
        started = time.monotonic() - server.started
        time.sleep(bench.sizes.window / 3)  # by then it has read what pages show of the last day
        for _ in range(TIMES):
            began = time.perf_counter()
            server.get("/")
            took.append((time.perf_counter() - began) * 1_000)
    what = f"the overview of {size.endpoints:,} endpoints over HTTP, p95"
    figures = f"median {statistics.median(took):.1f} ms; ready {started:.1f} s after its start"
    bench.rows.append(limit(what, quantile(took, 0.95), OVERVIEW, "ms", figures=figures))


def _tail(took: list[float]) -> str:
    return f"p95 {quantile(took, 0.95):.1f} ms"


def _questions(
    store: SqlStore, plan: Random, endpoints: list[int], size: year.Year
) -> dict[str, Callable[[], Awaitable[object]]]:
    now, day = year.NOW, year.DAY

    async def last_hour() -> object:
        return await store.stretch(plan.choice(endpoints), since=now - year.HOUR, until=now)

    async def last_day() -> object:
        return await store.stretch(plan.choice(endpoints), since=now - day, until=now)

    async def any_range() -> object:
        since = plan.randrange(now - size.week * day, now)
        until = min(now, since + plan.randrange(day))
        return await store.stretch(plan.choice(endpoints[: size.whole]), since=since, until=until)

    async def ninety_days() -> object:
        rollups = await store.window(plan.choice(endpoints), since=now - 90 * day, until=now)
        return together(rollup.phases["total"] for rollup in rollups).quantile(0.99)

    async def newest() -> object:
        return await store.results(plan.choice(endpoints), limit=100)

    return {
        "one endpoint's last hour": last_hour,
        "one endpoint's last day (8,640 results)": last_day,
        "one endpoint's results in a random range of a week, a day at most": any_range,
        "one endpoint's newest 100 results": newest,
        "one endpoint's p99 over 90 days": ninety_days,
    }


async def _timed(question: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await question()
    return (time.perf_counter() - began) * 1_000
