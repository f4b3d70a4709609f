"""Connections as the origins see them: how many are opened at steady state, and how well a small budget is used."""

import time
from typing import Any

from benchmarks.bench import Bench, visited
from benchmarks.measure import say
from benchmarks.serving import Monitored, Serving, serving
from benchmarks.table import Row

VITALS = 1.2  # seconds after which the process's accounts are newer than what was counted before


def steady(bench: Bench) -> None:
    """Connections accepted while every connection reaches its maximum age a few times."""
    sizes = bench.sizes
    say(f"connections at steady state, {sizes.some} origins, maximum age {sizes.age} s …")
    base = bench.ours.counts()
    monitored = Monitored(urls=bench.ours.plain(sizes.some), interval="1s", max_age=f"{sizes.age}s")
    with serving(monitored) as server:
        visited(bench, base.requests, sizes.some, within=30)
        time.sleep(2 * sizes.age)
        before, began = bench.ours.counts().accepts, time.monotonic()
        time.sleep(sizes.ages * sizes.age)
        opened, took = bench.ours.counts().accepts - before, time.monotonic() - began
        told, agrees = _accounts(bench, server, base.accepts)
    ratio = opened / (took * sizes.some / sizes.age)
    closed = ", ".join(f"{reason} {count:,}" for reason, count in told["closed_total"].items() if count)
    shown = (
        f"{ratio:.2f} x ({opened:,} accepts in {took:.0f} s); our count {'agrees' if agrees else 'DISAGREES'}: {closed}"
    )
    bench.rows.append(
        Row(
            what="new connections at steady state, by the origins' accepts",
            goal="0.90 to 1.12 x origins / max age (ages are jittered down by a tenth), and our reasons sum to it",
            measured=shown,
            met=0.9 <= ratio <= 1.12 and agrees,
        )
    )


def _accounts(bench: Bench, server: Serving, base: int) -> tuple[dict[str, Any], bool]:
    """The process's own account, and whether it lies between two counts of the origins' and sums up."""
    least = bench.ours.counts().accepts - base
    time.sleep(VITALS)
    told = server.ask("client")
    most = bench.ours.counts().accepts - base
    summed = told["connections"]["open"] + sum(told["closed_total"].values())
    return told, least <= told["opened_total"] <= most and summed == told["opened_total"]


def budget(bench: Bench) -> None:
    """More endpoints than descriptors: what share of the checks is warm."""
    sizes = bench.sizes
    say(f"a budget smaller than {sizes.some} endpoints …")
    base = bench.ours.counts().requests
    monitored = Monitored(urls=bench.ours.plain(sizes.some), interval="2s", descriptors=sizes.descriptors)
    with serving(monitored) as server:
        visited(bench, base, 3 * sizes.some, within=60)
        time.sleep(VITALS)
        before = server.ask("client")
        time.sleep(sizes.window)
        after = server.ask("client")
        states = server.ask("endpoints?state=up")["total"]
    warm = after["warm_total"] - before["warm_total"]
    cold = after["cold_total"] - before["cold_total"]
    share, hits = after["descriptors"]["budget"] / sizes.some, warm / (warm + cold)
    bench.rows.append(
        Row(
            what=f"a budget of {after['descriptors']['budget']} for {sizes.some:,} endpoints",
            goal=f"hit ratio >= 0.9 x budget / endpoints = {0.9 * share:.3f}",
            measured=f"{hits:.3f} ({hits / share:.2f} x), {states:,} endpoints up",
            met=hits >= 0.9 * share and states == sizes.some,
        )
    )
