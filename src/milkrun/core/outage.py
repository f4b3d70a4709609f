"""When an outage opens, what becomes of it, when it closes: one open outage an endpoint, for as long as it is ill.

DEEDS is the whole rule. *Ill* is a settled state that is degraded or down. What *holds back* an opening is maintenance,
or that the result at hand is not itself bad; what holds back a closing is flapping. So maintenance opens nothing and
may close what is open, and what is still ill after the window opens an incident at its first bad result.
"""

from enum import StrEnum

import msgspec

from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.streaks import SEVERITY


class Deed(StrEnum):
    """What is done about an endpoint's outage after a result."""

    NOTHING = "nothing"
    OPEN = "open"
    FOLLOW = "follow"
    CLOSE = "close"


# By (an outage is open, the endpoint is ill, something holds it back).
DEEDS: dict[tuple[bool, bool, bool], Deed] = {
    (False, False, False): Deed.NOTHING,
    (False, False, True): Deed.NOTHING,
    (False, True, False): Deed.OPEN,
    (False, True, True): Deed.NOTHING,
    (True, True, False): Deed.FOLLOW,
    (True, True, True): Deed.FOLLOW,
    (True, False, True): Deed.FOLLOW,
    (True, False, False): Deed.CLOSE,
}


def outage(open_one: Incident | None, settled: Outcome, result: Result, *, flapping: bool) -> Incident | None:
    """The outage that is open once `settled` holds, after a result that is not `unknown`."""
    ill = SEVERITY.get(settled, 0) > 0
    held = flapping if open_one is not None else result.maintenance or result.outcome is Outcome.UP
    deed = DEEDS[open_one is not None, ill, held]
    if open_one is not None and deed is Deed.FOLLOW:
        return _followed(open_one, settled, result, flapping)
    return _opened(settled, result, flapping) if deed is Deed.OPEN else None


def cause_of(result: Result) -> str:
    """One sentence on why a result is not up: its failure, else the first condition that failed; "" if up."""
    if result.failure is not None:
        return f"{result.failure.layer}/{result.failure.kind}: {result.failure.message}"
    return next((condition.shown for condition in result.conditions if not condition.passed), "")


def layer_of(result: Result) -> str:
    """Whose fault a bad result is: its failure's layer, else its answer's, by a condition."""
    return "condition" if result.failure is None else result.failure.layer.value


def _opened(settled: Outcome, result: Result, flapping: bool) -> Incident:
    return Incident(
        endpoint=result.endpoint,
        opened=result.slot,
        closed=None,
        state=settled,
        cause=cause_of(result),
        layer=layer_of(result),
        flapping=flapping,
    )


def _followed(open_one: Incident, settled: Outcome, result: Result, flapping: bool) -> Incident:
    if SEVERITY[settled] > SEVERITY[open_one.state]:
        cause, layer = cause_of(result) or open_one.cause, layer_of(result)
        return msgspec.structs.replace(open_one, state=settled, cause=cause, layer=layer, flapping=flapping)
    if open_one.flapping is not flapping:
        return msgspec.structs.replace(open_one, flapping=flapping)
    return open_one
