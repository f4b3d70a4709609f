"""Whether the story held: the broken version really ran out of descriptors, and the right one noticed nothing."""

import msgspec

from examples.flight_prices.figures import answered, deprived, highest, out_of_descriptors, quantile
from examples.flight_prices.plan import PROMISE
from examples.flight_prices.run import Run

_LEVEL = 0.1  # of the limit: what descriptors may grow by in the peak's second half and still be called flat


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence of the story, what was measured, and whether it held."""

    said: str
    measured: str
    held: bool


def judge(broken: Run, right: Run) -> list[Claim]:
    """Every claim, in the story's order."""
    return [
        _fails(broken),
        _answers(right),
        _is_quick(right),
        _never_runs_out(right),
        _needs_less_than_half(right),
        _is_flat(right),
    ]


def _fails(run: Run) -> Claim:
    times = out_of_descriptors(run)
    return Claim(
        said="with a client per request it runs out of descriptors (EMFILE)",
        measured=f"{times:,} times; {len(run.visits) - answered(run):,} users got no prices, {deprived(run):,} too few",
        held=times > 0,
    )


def _answers(run: Run) -> Claim:
    count = answered(run)
    return Claim(
        said="with one client it answers every user",
        measured=f"{count:,} of {len(run.visits):,}",
        held=count == len(run.visits),
    )


def _is_quick(run: Run) -> Claim:
    p99 = quantile(run, 0.99)
    return Claim(said=f"p99 under {PROMISE * 1e3:.0f} ms", measured=f"{p99 * 1e3:,.0f} ms", held=p99 < PROMISE)


def _never_runs_out(run: Run) -> Claim:
    times = out_of_descriptors(run)
    return Claim(said="it never lacks a descriptor", measured=f"{times:,} times", held=times == 0)


def _needs_less_than_half(run: Run) -> Claim:
    most, limit = highest(run), run.plan.limit
    return Claim(
        said="it needs less than half of its descriptors", measured=f"{most} of {limit}", held=most < limit / 2
    )


def _is_flat(run: Run) -> Claim:
    plan = run.plan
    middle = (plan.peak_begins + plan.peak_ends) / 2
    first, second = highest(run, plan.peak_begins, middle), highest(run, middle, plan.peak_ends)
    return Claim(
        said="their number stays flat while the peak lasts",
        measured=f"{first} at most in its first half, {second} in its second",
        held=second - first <= _LEVEL * plan.limit,
    )
