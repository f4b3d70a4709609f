"""The parts of docs/flight-prices.md that are made from code and from a run, so that they cannot drift from either."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from examples.flight_prices import arithmetic
from examples.flight_prices.airlines import AIRLINES
from examples.flight_prices.plan import Plan

PAGE = "flight-prices.md"
_HERE = Path(__file__).parent
_CONTEXT = 1


def fixed(plan: Plan) -> dict[str, str]:
    """The blocks that depend on no run, by name."""
    return {"airlines": airlines(), "arithmetic": needs(plan), "difference": difference()}


def fill(page: Path, blocks: Mapping[str, str]) -> None:
    """Put each block between its marks, `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""
    text = page.read_text()
    for name, block in blocks.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{page} has no block {begin} … {end} to write to")
        text = f"{before}{begin}\n\n{block}\n\n{end}{after}"
    page.write_text(text)


def airlines() -> str:
    """How the airlines behave, and how long a call takes on average, on an open connection and with a new one."""
    lines = [
        "| airline | speaks | answers in (median) | handshake | also | a call, warm | a call, cold |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in AIRLINES:
        also = f"503 to {each.failing:.0%}" if each.failing else ""
        also = f"429 beyond {each.per_second:g} a second" if each.per_second else also
        warm, cold = (arithmetic.call_time(each, cold=cold) for cold in (False, True))
        lines.append(
            f"| {each.name} | {'HTTP/2' if each.http2 else 'HTTP/1.1'} | {_ms(each.median)} | {_ms(each.handshake)} "
            f"| {also} | {_ms(warm)} | {_ms(cold)} |"
        )
    return "\n".join(lines)


def needs(plan: Plan) -> str:
    """Little's law for both versions, step by step."""
    rate, limit = plan.peak, plan.limit
    broken, right = arithmetic.broken(rate), arithmetic.right(rate)
    lines = [
        f"| descriptors at {rate:g} users a second | a client per request | one client |",
        "|---|---|---|",
        f"| users, until they have their answer | {_product(rate, broken.users)} | {_product(rate, right.users)} |",
        f"| connections of one user | {_product(rate, broken.passing)} | {_product(rate, right.passing)} (HTTP/1.1) |",
        f"| connections of all | 0 | {right.kept} (HTTP/2) |",
        f"| open before the first user | {arithmetic.BASE} | {arithmetic.BASE} |",
        f"| **in all, on average** | **{broken.mean:.0f}** | **{right.mean:.0f}** |",
        f"| of {limit} | {broken.mean / limit:.0%} | {right.mean / limit:.0%} |",
        f"| at most | nothing bounds it | {_bound(rate)} |",
    ]
    return "\n".join(lines)


def difference() -> str:
    """What tells the two versions apart, as a diff."""
    before, after = ((_HERE / f"service_{version}.py").read_text().splitlines() for version in ("broken", "right"))
    lines = list(difflib.unified_diff(before, after, "service_broken.py", "service_right.py", lineterm="", n=_CONTEXT))
    return "\n".join(["```diff", *(line.rstrip() for line in lines), "```"])


def _product(rate: float, count: float) -> str:
    return f"{rate:g}/s x {count / rate:.2f} s = {count:.0f}"


def _bound(rate: float) -> str:
    most = arithmetic.right_at_most(rate)
    return f"{arithmetic.BASE} + {most - arithmetic.BASE - arithmetic.BUDGET:.0f} + {arithmetic.BUDGET} = {most:.0f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"
