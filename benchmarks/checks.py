"""What one check costs, end to end: schedule, probe, evaluate, store and the live board, in the whole process."""

import statistics

from benchmarks.bench import MICRO, Bench, cpu_per_check, visited
from benchmarks.child import Child
from benchmarks.measure import paired_ratio, say
from benchmarks.serving import Monitored, Serving, serving
from benchmarks.table import at_most, limit

# Microseconds a check, and megabytes resident, by endpoints visited every ten seconds.
GOALS = {10_000: 100.0, 1_000: 200.0, 50: 1_000.0}
RESIDENT_AT_FEW = 100.0


def fast(bench: Bench) -> None:
    """As fast as it goes without a slot being skipped: a skipped slot is an outcome too, but no check."""
    sizes = bench.sizes
    say(f"one check, {sizes.many:,} endpoints every {sizes.fast_interval} s …")
    bare = _bare_spin(bench)
    base = bench.ours.counts().requests
    with serving(Monitored(urls=bench.ours.plain(sizes.many), interval=f"{sizes.fast_interval}s")) as server:
        visited(bench, base, 2 * sizes.many, within=60)
        before = server.ask("schedule")
        ours = [cpu_per_check(bench, server, sizes.fast) for _ in range(sizes.rounds)]
        after = server.ask("schedule")
    bare += _bare_spin(bench)
    due = after["due_total"] - before["due_total"]
    done = (after["done_total"] - before["done_total"]) / due
    cost, floor = statistics.median(ours), statistics.median(bare)
    shown = f"{cost:.0f} against {floor:.1f} us; {MICRO / cost:,.0f} checks/s/core; done/due {done:.2f}"
    bench.rows.append(at_most("one check end to end, as fast as it goes", cost / floor, 5, "bare", figures=shown))
    bench.note("as fast as it goes", milkrun=cost, bare=floor)


def _bare_spin(bench: Bench) -> list[float]:
    """Half of the rounds before, half after: while Milkrun works it would not have a core of its own."""
    sizes = bench.sizes
    urls = bench.bare.plain(sizes.many)
    with Child("bare", urls, bench.bare.ca) as child:
        child.ask("visit", 0, len(urls))
        return [child.ask("spin", len(urls), sizes.fast) * MICRO for _ in range((sizes.rounds + 1) // 2)]


def few(bench: Bench) -> None:
    """The smaller rates, each in a process of its own; resident memory at the smallest."""
    for count in bench.sizes.rates:
        base = bench.ours.counts().requests
        with serving(Monitored(urls=bench.ours.plain(count), interval=f"{bench.sizes.interval}s")) as server:
            visited(bench, base, count, within=3 * bench.sizes.interval)
            at_rate(bench, server, count)
            megabytes = server.resident() / 1024**2
        if count == min(bench.sizes.rates):
            bench.rows.append(limit(f"resident memory at {count} endpoints", megabytes, RESIDENT_AT_FEW, "MB"))


def at_rate(bench: Bench, server: Serving, count: int) -> None:
    """Milkrun at `count` endpoints an interval beside the bare loop at the same rate, both at the same time."""
    sizes = bench.sizes
    what = f"{count:,} endpoints every {sizes.interval} s"
    say(f"one check, {what} …")
    urls = bench.bare.plain(count)
    rate, ours, bare = count / sizes.interval, [], []
    with Child("bare", urls, bench.bare.ca) as child:
        child.ask("visit", 0, count)
        for _ in range(sizes.rounds):
            child.start("pace", count, rate, float(sizes.interval))
            ours.append(cpu_per_check(bench, server, sizes.interval))
            bare.append(child.result() * MICRO)
    cost, floor = statistics.median(ours), statistics.median(bare)
    figures = f"{cost:.0f} against {floor:.0f} us"
    bench.rows.append(at_most(f"one check, {what}", paired_ratio(ours, bare), 4, "bare", figures=figures))
    if count in GOALS:
        bench.rows.append(limit(f"one check, {what}", cost, GOALS[count], "us"))
    bench.note(what, milkrun=cost, bare=floor)
