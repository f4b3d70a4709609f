"""What the page of an endpoint says of its objective: target and truth, the error budget, how fast it burns. Pure."""

from collections.abc import Mapping

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.core.slo import SHOWN_WINDOWS, Alarm, Budget, Burning, Counts, Objective, alarm, budget, burn_rate
from milkrun.web import words
from milkrun.web.wire import Json

ALARMS = {
    Alarm.PAGE: "It burns so fast that somebody should look now.",
    Alarm.TICKET: "It burns faster than it lasts: somebody should look in the coming days.",
}
MARKS = {None: Outcome.UP, Alarm.TICKET: Outcome.DEGRADED, Alarm.PAGE: Outcome.DEGRADED}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An objective and how it stands. `left` is the share of the budget that is left, 0 to 1, for the meter.

    `rates` are burn rates by window, in words; `budget` and `said` are None where nothing is known yet.
    """

    objective: Objective
    found: Counts
    budget: Budget | None
    rates: tuple[tuple[str, float | None], ...]
    alarm: Burning | None

    @property
    def mark(self) -> Outcome:
        """Its shape: down where the budget is gone."""
        if self.budget is None:
            return Outcome.UNKNOWN
        return Outcome.DOWN if self.budget.left < 0 else MARKS[self.alarm.alarm if self.alarm else None]

    @property
    def left(self) -> float:
        """The share of the budget that is left, none below nothing."""
        return max(0.0, self.budget.share) if self.budget else 1.0


def standing(objective: Objective, found: Mapping[int, Counts], covered: int) -> Standing:
    """How an objective stands; `found` are the counts by window (ms), `covered` the ms that were really watched."""
    whole = found[objective.window]
    return Standing(
        objective=objective,
        found=whole,
        budget=budget(objective, whole, covered),
        rates=tuple((words.duration(length / 1_000), burn_rate(objective, found[length])) for length in SHOWN_WINDOWS),
        alarm=alarm(objective, found),
    )


def headline(one: Standing) -> str:
    """The sentence: "99.95% up of 99.9% wanted; 31 min of downtime left"."""
    wanted = f"of {words.target(one.objective.target)} wanted over {words.duration(one.objective.window / 1_000)}"
    if one.budget is None:
        return f"Nothing is known yet {wanted}."
    up = f"{words.share(one.found.availability)} up {wanted}"
    if one.budget.left < 0:
        return f"{up}; the budget is overspent by {words.duration(-one.budget.left / 1_000)} of downtime."
    left, allowed = words.duration(one.budget.left / 1_000), words.duration(one.budget.allowed / 1_000)
    return f"{up}; {left} of downtime left of {allowed}."


def warning(one: Standing) -> str:
    """What the burn rate asks for; "" where it asks for nothing."""
    return ALARMS[one.alarm.alarm] if one.alarm else ""


def standing_object(one: Standing) -> Json:
    """The same in the JSON interface; budgets are milliseconds of downtime."""
    return {
        "target": one.objective.target,
        "window_ms": one.objective.window,
        "availability": one.found.availability,
        "budget": msgspec.structs.asdict(one.budget) if one.budget else None,
        "burn_rate": dict(one.rates),
        "alarm": one.alarm.alarm.value if one.alarm else None,
    }
