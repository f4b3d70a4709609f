"""`python -m benchmarks monitor`: `milkrun serve` as a real process, from the schedule to the page."""

from collections.abc import Callable, Sequence

from benchmarks import checks, connections, endurance, history_rows, outage, soak, storage, table, timetable
from benchmarks.bench import QUICK, Bench, Sizes
from benchmarks.measure import raise_descriptor_limit
from benchmarks.origins import origins

PARTS: dict[str, Callable[[Bench], None]] = {
    "fast": checks.fast,
    "many": timetable.many,
    "few": checks.few,
    "steady": connections.steady,
    "budget": connections.budget,
    "storage": storage.written,
    "history": history_rows.history,
    "endurance": endurance.endure,
    "outage": outage.sudden,
    "soak50": soak.soak,
}


def run(*, quick: bool = False, own: bool = False, parts: Sequence[str] = ()) -> str:
    """Measure the named parts, or all, and give the report as markdown."""
    raise_descriptor_limit()
    with origins(own=own) as ours, origins(own=own) as bare:
        bench = Bench(ours=ours, bare=bare, own=own, sizes=QUICK if quick else Sizes())
        for name in parts or PARTS:
            PARTS[name](bench)
    report = [table.machine(), table.goals(bench.rows)]
    costs = {what: found for what, found in bench.figures.items() if "bare" in found}
    pages = {what: found for what, found in bench.figures.items() if "bare" not in found}
    if costs:
        report.append(table.figures("CPU time a check, median of the rounds", costs, unit="us"))
    if pages:
        report.append(table.figures("Pages while 1,000 checks a second go on", pages, unit="ms"))
    return "\n\n".join(report)
