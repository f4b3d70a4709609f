"""Outcomes in a row, as one location sees them, and the state they settle.

Outcomes have an order of severity: up < degraded < down. A move to a worse level needs `thresholds.failure`
outcomes in a row at least that bad, a move to a better one `thresholds.success` in a row at most that bad. MOVES
lists, for every settled state, the moves to try, the widest first.
"""

from enum import StrEnum

import msgspec

from milkrun.core.endpoint import Thresholds
from milkrun.core.outcome import Outcome

Counts = tuple[int, int]


class Streaks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`worse` counts outcomes in a row at least degraded, at least down; `better` those at most up, at most degraded.

    `settled` is the last state that thresholds decided. Counts stop at a limit, so that what is steady stays the same.
    """

    settled: Outcome = Outcome.UNKNOWN
    worse: Counts = (0, 0)
    better: Counts = (0, 0)


class Streak(StrEnum):
    """Which count of outcomes in a row a move asks for."""

    WORSE = "worse"
    BETTER = "better"
    FIRST = "first"


SEVERITY: dict[Outcome, int] = {Outcome.UP: 0, Outcome.DEGRADED: 1, Outcome.DOWN: 2}

MOVES: dict[Outcome, tuple[tuple[Outcome, Streak], ...]] = {
    Outcome.UNKNOWN: ((Outcome.DOWN, Streak.WORSE), (Outcome.DEGRADED, Streak.WORSE), (Outcome.UP, Streak.FIRST)),
    Outcome.UP: ((Outcome.DOWN, Streak.WORSE), (Outcome.DEGRADED, Streak.WORSE)),
    Outcome.DEGRADED: ((Outcome.DOWN, Streak.WORSE), (Outcome.UP, Streak.BETTER)),
    Outcome.DOWN: ((Outcome.UP, Streak.BETTER), (Outcome.DEGRADED, Streak.BETTER)),
}


def counted(streaks: Streaks, outcome: Outcome, thresholds: Thresholds, depth: Thresholds) -> Streaks:
    """One more outcome that is not `unknown`: counts go up to `depth`, `thresholds` settle."""
    severity = SEVERITY[outcome]
    worse = _longer(streaks.worse, (severity >= 1, severity >= 2), depth.failure)
    better = _longer(streaks.better, (severity <= 0, severity <= 1), depth.success)
    return Streaks(settled=_settle(streaks.settled, worse, better, thresholds), worse=worse, better=better)


def _longer(counts: Counts, continues: tuple[bool, bool], limit: int) -> Counts:
    first = min(counts[0] + 1, limit) if continues[0] else 0
    second = min(counts[1] + 1, limit) if continues[1] else 0
    return first, second


def _settle(settled: Outcome, worse: Counts, better: Counts, thresholds: Thresholds) -> Outcome:
    for target, streak in MOVES[settled]:
        if streak is Streak.WORSE:
            reached = worse[SEVERITY[target] - 1] >= thresholds.failure
        else:
            needed = thresholds.success if streak is Streak.BETTER else 1
            reached = better[SEVERITY[target]] >= needed
        if reached:
            return target
    return settled
