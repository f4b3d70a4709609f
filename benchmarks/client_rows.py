"""`python -m benchmarks client`: the warm client against the bare loop and against its peers."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks import crowds, fan_out_rows, guard_rows, table
from benchmarks.child import Child
from benchmarks.measure import ROUNDS, medians, paired_ratio, say
from benchmarks.origins import Origins, origins
from benchmarks.subjects import SUBJECTS
from benchmarks.table import Row

Rounds = Mapping[str, Sequence[float]]
Servers = Mapping[str, Origins]

MICRO = 1e6


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured: rounds, seconds a round, origins, idle connections."""

    rounds: int = ROUNDS
    seconds: float = 1.5
    few: int = 50
    face: int = 1_000
    many: int = 10_000
    idle: int = 5_000
    idle_tls: int = 1_900


QUICK = Sizes(rounds=2, seconds=0.2, few=10, face=50, many=200, idle=100, idle_tls=100)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured of whom, over which URLs of its origin server, and the goals: ratios to the others of one."""

    subject: str = "milkrun"
    what: str
    verb: str
    names: Sequence[str]
    urls: Callable[[Origins], list[str]]
    goals: Mapping[str, float]


class Report(msgspec.Struct, kw_only=True):
    """The rows with goals, and the figures behind them by condition and subject."""

    rows: list[Row] = []
    figures: dict[str, dict[str, float]] = {}
    memory: dict[str, dict[str, float]] = {}


def interleaved(condition: Condition, servers: Servers, sizes: Sizes) -> dict[str, list[float]]:
    """Each subject in its process, its connections opened, then measured in turns; microseconds a request."""
    taken: dict[str, list[float]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        children = {}
        for name in condition.names:
            urls = condition.urls(servers[name])
            child = children[name] = stack.enter_context(Child(name, urls, servers[name].ca))
            child.ask("visit", 0, len(urls))
            child.ask(condition.verb, len(urls), sizes.seconds / 5)
        for _ in range(sizes.rounds):
            for name, child in children.items():
                taken[name].append(child.ask(condition.verb, len(urls), sizes.seconds) * MICRO)
    return taken


def idle_memory(servers: Servers, urls: Callable[[Origins], list[str]], settled: int) -> dict[str, float]:
    """Resident kilobytes an idle connection adds, once `settled` connections have been opened before."""
    kept = {}
    for name in ("bare", "milkrun", "aiohttp", "pyreqwest"):
        wanted = urls(servers[name])
        with Child(name, wanted, servers[name].ca) as child:
            child.ask("visit", 0, settled)
            kept[name] = child.ask("hold", settled, len(wanted)) / 1024
    return kept


def _against(condition: Condition, taken: Rounds) -> list[Row]:
    middle, subject = medians(taken), condition.subject
    return [
        table.at_most(
            condition.what,
            paired_ratio(taken[subject], taken[other]),
            goal,
            other,
            figures=f"{middle[subject]:.1f} against {middle[other]:.1f} us",
        )
        for other, goal in condition.goals.items()
    ]


def conditions(sizes: Sizes) -> list[Condition]:
    """The client's rows of CPU time."""
    few, many, everyone = sizes.few, sizes.many, ["bare", "milkrun", "pyreqwest", "aiohttp", "httpx2"]
    pools = [name for name in everyone if name != "httpx2"]  # its pool is O(connections): not at 10,000
    return [
        Condition(
            what=f"warm, {few} origins",
            verb="spin",
            names=everyone,
            urls=lambda server: server.plain(few),
            goals={"bare": 1.6, "pyreqwest": 0.5, "aiohttp": 0.25},
        ),
        Condition(
            what=f"warm, {many:,} origins",
            verb="spin",
            names=pools,
            urls=lambda server: server.plain(many),
            goals={"bare": 1.6},
        ),
        Condition(
            what=f"warm, {few} origins over TLS",
            verb="spin",
            names=everyone,
            urls=lambda server: server.tls(few),
            goals={"pyreqwest": 1.0},
        ),
        Condition(
            what="new TLS connection",
            verb="fresh",
            names=["bare", "milkrun"],
            urls=lambda server: server.tls(few),
            goals={"bare": 1.15},
        ),
    ]


def face_conditions(sizes: Sizes) -> list[Condition]:
    """The rows of httpx2 on this client, against httpx2 on its own transport, whose pool is O(connections)."""
    return [
        Condition(
            subject="httpx2 on milkrun",
            what=f"httpx2 on milkrun, {count:,} origins",
            verb="spin",
            names=["httpx2 on milkrun", "httpx2 on nothing", "httpx2"],
            urls=lambda server, count=count: server.plain(count),  # type: ignore[misc]  # the count of this row
            goals={"httpx2": goal},
        )
        for count, goal in ((sizes.few, 0.2), (sizes.face, 0.015))
    ]


def http2_condition(sizes: Sizes) -> Condition:
    """The row of HTTP/2's CPU time."""
    return Condition(
        what=f"HTTP/2 warm, {sizes.few} origins over TLS",
        verb="spin",
        names=["h2", "milkrun", "httpx2 with HTTP/2"],
        urls=lambda server: server.http2(sizes.few),
        goals={"h2": 1.4, "httpx2 with HTTP/2": 0.35},
    )


def at_once(server: Origins, count: int = 100) -> Row:
    """How many connections that many simultaneous requests to one cold HTTP/2 origin open."""
    before = server.counts()
    with Child("milkrun", server.http2(1), server.ca) as child:
        child.ask("burst", count)
        after = server.counts()
    opened = after.accepts - before.accepts
    return Row(
        what=f"{count} requests at once to one cold HTTP/2 origin, by its accepts",
        goal="1 connection",
        measured=f"{opened:,} for {after.requests - before.requests:,} requests",
        met=opened == 1,
    )


def measure(servers: Servers, sizes: Sizes) -> Report:
    """Every row of the client."""
    report = Report()
    asked = conditions(sizes) + face_conditions(sizes)
    if servers["milkrun"].has_http2:
        asked.append(http2_condition(sizes))
        report.rows.append(at_once(servers["milkrun"]))
    for condition in asked:
        say(f"{condition.what} …")
        taken = interleaved(condition, servers, sizes)
        report.rows += _against(condition, taken)
        report.figures[condition.what] = medians(taken)
    say("idle connections …")
    report.memory["plain"] = idle_memory(servers, lambda server: server.plain(sizes.idle), sizes.few)
    report.memory["TLS"] = idle_memory(servers, lambda server: server.tls(sizes.idle_tls), sizes.few)
    for (what, kept), goal in zip(report.memory.items(), (8, 40), strict=True):
        report.rows.append(table.limit(f"idle connection, {what}", kept["milkrun"], goal, "KB"))
    say("crowds …")
    report.rows += crowds.rows(servers["milkrun"], sizes.many)
    report.rows += guard_rows.rows(sizes.rounds)
    report.rows += fan_out_rows.rows(servers["milkrun"], seconds=sizes.seconds, rounds=sizes.rounds)
    return report


def run(*, quick: bool = False, own: bool = False) -> str:
    """Measure and give the report as markdown."""
    with contextlib.ExitStack() as stack:
        # one server for each subject: no server can keep 10,000 connections for each of them
        servers = {name: stack.enter_context(origins(own=own)) for name in SUBJECTS}
        report = measure(servers, QUICK if quick else Sizes())
    parts = [
        table.machine(),
        table.goals(report.rows),
        table.figures("CPU time a request, median of the rounds", report.figures, unit="us"),
        table.figures("Memory an idle connection", report.memory, unit="KB"),
    ]
    return "\n\n".join(parts)
