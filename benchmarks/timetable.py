"""On time: the first round, lateness while people look, and how fast the pages are meanwhile."""

import time
from datetime import datetime

from benchmarks.bench import Bench, visited
from benchmarks.browser import browsing
from benchmarks.checks import at_rate
from benchmarks.measure import quantile, say, starved
from benchmarks.serving import Monitored, Serving, serving
from benchmarks.table import Row, limit

LATE = 20.0  # milliseconds
PAGE = 100.0
SAMPLED_PAGES = 4  # of a hundred endpoints each, spread over all


def many(bench: Bench) -> None:
    """Ten thousand endpoints in one process, from its first second on."""
    sizes = bench.sizes
    say(f"{sizes.many:,} endpoints every {sizes.interval} s …")
    base = bench.ours.counts().requests
    monitored = Monitored(urls=bench.ours.plain(sizes.many), interval=f"{sizes.interval}s")
    with serving(monitored) as server:
        _first_round(bench, server, base)
        at_rate(bench, server, sizes.many)
        _lateness(bench, server)
        _pages(bench, server)


def _first_round(bench: Bench, server: Serving, base: int) -> None:
    ready = time.monotonic() - server.started
    visited(bench, base, bench.sizes.many, within=6 * bench.sizes.interval)
    took = time.monotonic() - server.started
    time.sleep(2)
    seen = server.ask("endpoints?state=up")["total"]
    bench.rows.append(
        Row(
            what=f"first check of {bench.sizes.many:,} endpoints",
            goal=f"within one interval ({bench.sizes.interval} s) of start",
            measured=f"{took - ready:.1f} s from ready, which was {ready:.1f} s after the process began; {seen:,} up",
            met=took - ready <= bench.sizes.interval + 0.1 and seen == bench.sizes.many,
        )
    )


def _lateness(bench: Bench, server: Serving) -> None:
    rate = bench.sizes.many / bench.sizes.interval
    say(f"lateness at {rate:,.0f} checks a second, with a browser on the dashboard …")
    with browsing(f"http://127.0.0.1:{server.port}/", server.port):
        began, waited = time.time(), starved(server.pid)
        time.sleep(bench.sizes.window)
        ended, waited = time.time(), starved(server.pid) - waited
    late = _late(server, began, ended)
    what = f"lateness at {rate:,.0f} checks/s with Chromium on the dashboard, p99"
    own = server.ask("schedule")["late_ms"]
    figures = (
        f"p50 {quantile(late, 0.5):.1f}, greatest {max(late):.1f}, of {len(late):,} stored results; "
        f"without a core for {waited / (ended - began):.0%} of the time; "
        f"its own account of five minutes, start included: p99 {own['p99']:.1f}"
    )
    bench.rows.append(limit(what, quantile(late, 0.99), LATE, "ms", figures=figures))


def _pages(bench: Bench, server: Serving) -> None:
    say("page times …")
    key = server.ask("endpoints")["items"][0]["key"]
    paths = {
        "dashboard": "/",
        "dashboard, one group": "/?group=group-01",
        "dashboard, searched": "/?q=service-00042",
        "one endpoint": f"/endpoints/{key}",
        "incidents": "/incidents",
        "client": "/client",
    }
    began = time.time()
    for name, path in paths.items():
        times = [_timed(server, path) for _ in range(bench.sizes.pages)]
        bench.note(f"p95 of page: {name}", milliseconds=quantile(times, 0.95))
        if name == "dashboard":
            what = f"dashboard page with {bench.sizes.many:,} endpoints, p95"
            figures = f"p50 {quantile(times, 0.5):.0f} ms of {len(times)}"
            bench.rows.append(limit(what, quantile(times, 0.95), PAGE, "ms", figures=figures))
    late = _late(server, began, time.time())
    bench.rows.append(limit("lateness of checks meanwhile, p99", quantile(late, 0.99), LATE, "ms"))


def _timed(server: Serving, path: str) -> float:
    """Milliseconds to the last byte of a page; with a pause before, as a person makes."""
    time.sleep(0.1)
    began = time.perf_counter()
    server.get(path)
    return (time.perf_counter() - began) * 1_000


def _late(server: Serving, began: float, ended: float) -> list[float]:
    """Milliseconds from slot to start of the stored results of a few hundred endpoints, for slots in a window."""
    time.sleep(2)  # what was checked last is stored within a second
    pages = server.ask("endpoints")["pages"]
    late = []
    for page in range(1, pages + 1, max(1, pages // SAMPLED_PAGES)):
        for item in server.ask(f"endpoints?page={page}")["items"]:
            for result in server.ask(f"endpoints/{item['key']}/results?limit=20")["items"]:
                slot = datetime.fromisoformat(result["slot"]).timestamp()
                if began <= slot <= ended:
                    late.append((datetime.fromisoformat(result["started"]).timestamp() - slot) * 1_000)
    if not late:
        raise SystemExit("no results were stored in the window")
    return late
