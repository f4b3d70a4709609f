"""What really happens: which endpoint fails when, and when the receiver of alerts is down. All of it from one seed."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Times are epoch seconds. Outages and the times between them last from `shortest` to `longest` seconds.

    An outage must outlast the time for which a killed Milkrun is blind, or nobody could have seen it.
    """

    seed: int
    begins: float
    ends: float
    endpoints: int
    shortest: float = 12.0
    longest: float = 30.0
    window: float = 3.0


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch in which an endpoint answers 503: `began` inclusive, `ended` exclusive."""

    endpoint: int
    began: float
    ended: float


class Manner(StrEnum):
    """How the receiver of alerts behaves in one of its windows."""

    TAKES = "takes"
    REFUSES = "refuses"
    RESETS = "resets"
    HANGS = "hangs"


_MANNERS = (Manner.TAKES,) * 6 + (Manner.REFUSES, Manner.RESETS, Manner.HANGS)


def outages(plan: Plan, endpoint: int) -> list[Outage]:
    """An endpoint's outages, in order; all of them are over when the plan ends."""
    chance = random.Random(f"{plan.seed}/{endpoint}")  # noqa: S311 - a seed makes it the same again
    found: list[Outage] = []
    began = plan.begins + plan.shortest / 2 + chance.uniform(0, plan.longest)
    while True:
        ended = began + chance.uniform(plan.shortest, plan.longest)
        if ended > plan.ends:
            return found
        found.append(Outage(endpoint=endpoint, began=began, ended=ended))
        began = ended + chance.uniform(plan.shortest, plan.longest)


def manner(plan: Plan, now: float) -> Manner:
    """How the receiver behaves now: a third of the time it is down, and after the plan's end it takes everything."""
    if now >= plan.ends:
        return Manner.TAKES
    chance = random.Random(f"{plan.seed}/receiver/{int((now - plan.begins) // plan.window)}")  # noqa: S311 - as above
    return chance.choice(_MANNERS)


class Schedule:
    """Whether an endpoint fails at a time; made once, asked for every request."""

    def __init__(self, plan: Plan) -> None:
        self._turns = [_turns(outages(plan, endpoint)) for endpoint in range(plan.endpoints)]

    def fails(self, endpoint: int, now: float) -> bool:
        """At every odd turn an endpoint is in an outage."""
        return bisect_right(self._turns[endpoint], now) % 2 == 1


def _turns(found: Sequence[Outage]) -> list[float]:
    return [turn for outage in found for turn in (outage.began, outage.ended)]
