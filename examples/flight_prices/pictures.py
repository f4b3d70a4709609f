"""The two pictures of a run: descriptors over time, and how long every user waited."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from examples.flight_prices import svg
from examples.flight_prices.figures import answered, highest, out_of_descriptors
from examples.flight_prices.load import Visit
from examples.flight_prices.plan import PATIENCE, PROMISE, Plan
from examples.flight_prices.quotes import NO_DESCRIPTOR
from examples.flight_prices.run import Run

NAMES = {"broken": "a client per request", "right": "one client"}
HUES = {"broken": "cold", "right": "warm"}
_WIDTH = 860
_LEFT, _RIGHT = 64.0, 836.0


def draw(broken: Run, right: Run, folder: Path) -> list[Path]:
    """Write both pictures into a folder; gives their paths."""
    drawn = {"descriptors": descriptors(broken, right), "answers": answers(broken, right)}
    paths = [folder / f"flight-prices-{name}.svg" for name in drawn]
    for path, picture in zip(paths, drawn.values(), strict=True):
        path.write_text(picture + "\n")
    return paths


def descriptors(broken: Run, right: Run) -> str:
    """Descriptors over time: both versions, and the limit."""
    plan, top, bottom = broken.plan, 72.0, 320.0
    x = svg.Scale(0.0, plan.seconds, _LEFT, _RIGHT)
    y = svg.Scale(0.0, plan.limit * 1.16, bottom, top)
    limit = y(plan.limit)
    title = "Descriptors that the service has open"
    told = f"At most {highest(broken)} with {NAMES['broken']}, {highest(right)} with {NAMES['right']}."
    lacking = f"▲ too many open files: {out_of_descriptors(broken):,} times"
    parts = [
        svg.text(24, 32, title, "title"),
        *_legend(54.0),
        *_band(plan, x, top, bottom),
        *(part for value in (0, plan.limit // 2) for part in _level(x, y(value), str(value))),
        *_times(plan, x, bottom),
        svg.rule((_LEFT, limit), (_RIGHT, limit), "strong", "4 3"),
        svg.text(_LEFT - 8, limit + 4, str(plan.limit), "right ink"),
        svg.text(_LEFT + 8, limit - 8, "the limit", "ink"),
        *(_curve(run, x, y) for run in (right, broken)),
        svg.triangles(((x(visit.at), limit - 9) for visit in broken.visits if _lacked(visit)), "down"),
        svg.text(_RIGHT, 54, lacking, "down right"),
    ]
    return svg.document(_WIDTH, 366, title, told, parts)


def answers(broken: Run, right: Run) -> str:
    """How long each user waited: a panel for each version."""
    title = "How long each user waited"
    told = "; ".join(f"{NAMES[run.version]}: {_answered(run)}" for run in (broken, right))
    waited = max(visit.seconds for run in (broken, right) for visit in run.visits)
    longest = math.ceil(min(waited, PATIENCE))
    parts = [svg.text(24, 32, title, "title"), svg.text(_RIGHT, 32, "● got prices   ▲ got none", "right")]
    for run, top in ((broken, 84.0), (right, 280.0)):
        parts += _panel(run, top, top + 152.0, longest)
    x = svg.Scale(0.0, right.plan.seconds, _LEFT, _RIGHT)
    return svg.document(_WIDTH, 478, title, told, [*parts, *_times(right.plan, x, 432.0)])


def _panel(run: Run, top: float, bottom: float, longest: int) -> Iterator[str]:
    plan, hue = run.plan, HUES[run.version]
    x = svg.Scale(0.0, plan.seconds, _LEFT, _RIGHT)
    y = svg.Scale(0.0, longest, bottom, top)
    yield svg.text(24, top - 14, f"{NAMES[run.version].capitalize()}: {_answered(run)}", "ink")
    yield from _band(plan, x, top, bottom)
    for seconds in (0, *range(2, longest + 1)):  # at 1 s the promise's own line would be too near
        yield from _level(x, y(seconds), f"{seconds} s")
    yield svg.rule((_LEFT, y(PROMISE)), (_RIGHT, y(PROMISE)), "strong", "4 3")
    yield svg.text(_LEFT - 8, y(PROMISE) + 4, f"{PROMISE * 1e3:.0f} ms", "right ink")
    yield svg.dots(((x(visit.at), y(visit.seconds)) for visit in run.visits if visit.answered), hue)
    yield svg.triangles(((x(visit.at), y(visit.seconds)) for visit in run.visits if not visit.answered), "down")


def _band(plan: Plan, x: svg.Scale, top: float, bottom: float) -> Iterator[str]:
    """The peak's ground."""
    begins, ends = x(plan.peak_begins), x(plan.peak_ends)
    yield svg.tag("rect", x=begins, y=top, width=ends - begins, height=bottom - top, class_="band")


def _times(plan: Plan, x: svg.Scale, bottom: float) -> Iterator[str]:
    """The axis of time: seconds, and how many users came."""
    for sixth in range(7):
        at = plan.seconds * sixth / 6
        yield svg.text(x(at), bottom + 16, f"{at:g} s", "middle")
    thirds = (0.0, plan.peak_begins, plan.peak_ends, plan.seconds)
    for since, until in pairwise(thirds):
        yield svg.text((x(since) + x(until)) / 2, bottom + 33, f"{plan.rate(since):g} users a second", "middle")


def _level(x: svg.Scale, at: float, label: str) -> Iterator[str]:
    yield svg.rule((x.start, at), (x.end, at))
    yield svg.text(x.start - 8, at + 4, label, "right")


def _curve(run: Run, x: svg.Scale, y: svg.Scale) -> str:
    seen = [sample for sample in run.samples if 0 <= sample.at <= run.plan.seconds]
    return svg.curve([(x(sample.at), y(sample.descriptors)) for sample in seen], HUES[run.version])


def _legend(y: float) -> Iterator[str]:
    at = 24.0
    for version, name in NAMES.items():
        yield svg.curve([(at, y - 4), (at + 18, y - 4)], HUES[version])
        yield svg.text(at + 24, y, name, "ink")
        at += 178.0


def _lacked(visit: Visit) -> bool:
    return NO_DESCRIPTOR in visit.missing


def _answered(run: Run) -> str:
    return f"{answered(run):,} of {len(run.visits):,} users got prices"
