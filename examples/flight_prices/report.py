"""What happened, as text: what is expected, a line now and then meanwhile, and afterwards a table and a verdict."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from examples.flight_prices import arithmetic, figures
from examples.flight_prices.plan import Plan
from examples.flight_prices.run import Run
from examples.flight_prices.verdict import Claim

HELD, FAILED = "●", "▲"  # up and down, as on the pages
_BAR = 40
_LABEL, _COLUMN = 34, 22


def announcement(plan: Plan) -> str:
    """What will be done, and what the arithmetic expects of it."""
    right, broken = arithmetic.right(plan.peak), arithmetic.broken(plan.peak)
    return (
        f"Ten airlines, {plan.seconds:g} s, {plan.quiet:g} users a second and {plan.peak:g} in the middle third; "
        f"{plan.limit} descriptors for the service.\n"
        f"By Little's law, at the peak: {broken.mean:.0f} descriptors for a client per request, "
        f"{right.mean:.0f} for one client ({arithmetic.right_at_most(plan.peak):.0f} at most)."
    )


class Meanwhile:
    """Says every so many seconds how many descriptors are open, as a bar that the limit makes full."""

    def __init__(self, plan: Plan, say: Callable[[str], None], every: float = 2.0) -> None:
        self._plan, self._say, self._every = plan, say, every
        self._next = 0.0

    def __call__(self, at: float, descriptors: int) -> None:
        """Look; say it if it is time."""
        if at < self._next or at >= self._plan.seconds:
            return
        self._next += self._every
        bar = "█" * round(_BAR * descriptors / self._plan.limit)
        self._say(f"  {at:4.0f} s  {self._plan.rate(at):3g} users/s  {bar:·<{_BAR}}  {descriptors}")


def table(broken: Run, right: Run) -> str:
    """What happened, a column for each version."""
    runs = (broken, right)
    rows = [("", "a client per request", "one client"), *_users(runs), *_airlines(runs), *_service(runs)]
    return "\n".join(f"{label:<{_LABEL}}{first:>{_COLUMN}}{second:>{_COLUMN}}" for label, first, second in rows)


def verdict(claims: Sequence[Claim]) -> str:
    """A line for each claim: whether it held, and by what."""
    return "\n".join(f"{HELD if claim.held else FAILED} {claim.said}: {claim.measured}" for claim in claims)


Row = tuple[str, str, str]
Show = Callable[[Run], str]


def _row(label: str, runs: Sequence[Run], show: Show) -> Row:
    first, second = map(show, runs)
    return label, first, second


def _users(runs: Sequence[Run]) -> Iterator[Row]:
    yield _row("users", runs, lambda run: f"{len(run.visits):,}")
    yield _row("  got prices", runs, lambda run: f"{figures.answered(run):,}")
    yield _row("    of every airline", runs, lambda run: f"{figures.complete(run):,}")
    yield from _counts("  none: ", runs, figures.failures)
    yield _row("answer, p50", runs, lambda run: f"{figures.quantile(run, 0.5) * 1e3:,.0f} ms")
    yield _row("answer, p99", runs, lambda run: f"{figures.quantile(run, 0.99) * 1e3:,.0f} ms")


def _airlines(runs: Sequence[Run]) -> Iterator[Row]:
    yield _row("airlines missing in answers", runs, lambda run: f"{figures.missing(run).total():,}")
    yield from _counts("  ", runs, figures.missing)
    yield _row("connections to airlines", runs, lambda run: f"{figures.connections(run):,}")
    yield _row("  TLS handshakes done", runs, lambda run: f"{figures.handshakes(run):,}")
    yield _row("  in TIME_WAIT at the end", runs, lambda run: f"{run.time_wait:,}")


def _service(runs: Sequence[Run]) -> Iterator[Row]:
    plan = runs[0].plan
    yield _row("descriptors, the most", runs, lambda run: f"{figures.highest(run)} of {run.plan.limit}")
    # A second or three after each change: by then whoever came before it has gone.
    yield _row("  usual before the peak", runs, _usual(1.0, plan.peak_begins))
    yield _row("  usual in it", runs, _usual(plan.peak_begins + 1.0, plan.peak_ends))
    yield _row("  usual after it", runs, _usual(plan.peak_ends + 3.0, plan.seconds))
    yield _row("CPU time by user", runs, lambda run: f"{figures.cpu_by_user(run) * 1e3:.1f} ms")
    yield _row("  at the peak", runs, lambda run: f"{figures.cpu_by_user(run) * plan.peak:.2f} of a core")


def _usual(since: float, until: float) -> Show:
    return lambda run: str(figures.usual(run, since, until))


def _counts(before: str, runs: Sequence[Run], count: Callable[[Run], "Counter[str]"]) -> Iterator[Row]:
    """A row for each thing that is counted in any run."""
    first, second = map(count, runs)
    for name in dict.fromkeys((*first, *second)):
        yield f"{before}{name}", _plain(first[name]), _plain(second[name])


def _plain(number: int) -> str:
    return f"{number:,}" if number else "–"
