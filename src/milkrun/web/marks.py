"""Drawing by numbers: the small graphics of the pages as SVG path data. Pure; the stylesheet gives the colours."""

import math
from collections.abc import Sequence

from milkrun.core.outcome import Outcome

BAR = 5  # one result's width with its gap, in pixels
HEIGHT = 20
SMALLEST = 3.0
CELL = 12  # one endpoint of the heat map, with its gap

OUTCOMES = tuple(Outcome)
FAILURE = OUTCOMES.index(Outcome.DOWN)

Paths = dict[Outcome, str]

# Shapes of a heat map's cell, within CELL: what is up stays small and calm, what is not fills its cell.
SHAPES = {
    Outcome.UP: "h8v8h-8z",
    Outcome.DEGRADED: "m4 -1l5 5l-5 5l-5 -5z",
    Outcome.DOWN: "m4 -1l5.5 10h-11z",
    Outcome.UNKNOWN: "m1 1h6v6h-6zm1.5 1.5v3h3v-3z",
}


def sparkline(results: Sequence[tuple[int, float]], slots: int) -> Paths:
    """The last results as bars, newest at the right: height is latency (by its square root), a path an outcome.

    A result is the place of its outcome in Outcome, and milliseconds. A failure is as high as the row: how quickly
    it failed is no latency.
    """
    slowest = max((latency for place, latency in results if place != FAILURE), default=1.0)
    paths: dict[int, list[str]] = {}
    for slot, (place, latency) in enumerate(results, start=slots - len(results)):
        height = HEIGHT if place == FAILURE else _height(latency, slowest)
        paths.setdefault(place, []).append(f"M{slot * BAR + 2} {HEIGHT}v-{height:.0f}")
    return {OUTCOMES[place]: "".join(parts) for place, parts in paths.items()}


def _height(latency: float, slowest: float) -> float:
    """By the square root, so that one slow answer does not flatten the others; nothing is lower than SMALLEST."""
    return max(SMALLEST, (HEIGHT - 1) * math.sqrt(max(latency, 0.0) / max(slowest, 0.001)))


def cells(states: Sequence[Outcome], columns: int) -> Paths:
    """The heat map: one cell an endpoint, in reading order, a path a state."""
    paths: dict[Outcome, list[str]] = {}
    for place, state in enumerate(states):
        row, column = divmod(place, columns)
        paths.setdefault(state, []).append(f"M{column * CELL + 2} {row * CELL + 2}{SHAPES[state]}")
    return {state: "".join(parts) for state, parts in paths.items()}


def line(values: Sequence[float], *, width: float, height: float, top: float) -> str:
    """A polyline from left to right, `top` at the top edge; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    step = width / (len(values) - 1)
    points = (f"{n * step:.1f} {height - height * value / (top or 1):.1f}" for n, value in enumerate(values))
    return "M" + "L".join(points)
