"""How many descriptors each version needs, before anything has run: Little's law, L = λ·W.

On average so many are in a system (L) as come in a second (λ) times the seconds that each of them stays (W). A user
stays until the answer is there. A connection to an airline stays, in the broken version, from its dial until its only
response; in the right one only those of HTTP/1.1 count one by one, while a request is under way on them.
"""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import msgspec

from examples.flight_prices.airlines import AIRLINES, Airline
from examples.flight_prices.quotes import WITHIN

BASE = 14  # descriptors before the first user: three standard streams, the listener, the event loop's own
BUDGET = 32  # connections that service_right.py lets its client hold
_STEP = 0.001
_UNIT = NormalDist()

Survival = Callable[[float], float]
"""The share of calls that are still under way after so many seconds."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The descriptors that a version needs on average.

    Attributes:
        users: their connections, each for as long as its answer takes.
        passing: connections to airlines, each for as long as one request takes.
        kept: connections to airlines that are shared by all requests.
    """

    users: float
    passing: float
    kept: int

    @property
    def mean(self) -> float:
        """All of them, and what is open anyway."""
        return BASE + self.users + self.passing + self.kept


def right(rate: float) -> Need:
    """One client for all: at so many users a second."""
    http1 = [airline for airline in AIRLINES if not airline.http2]
    return Need(
        users=rate * answer_time(cold=False),
        passing=rate * sum(call_time(airline, cold=False) for airline in http1),
        kept=len(AIRLINES) - len(http1),
    )


def right_at_most(rate: float) -> float:
    """What one client never exceeds: its budget is full, and users are three standard deviations above their average.

    Who is there at a moment is a Poisson number, whose variance is its mean.
    """
    users = right(rate).users
    return BASE + users + 3 * math.sqrt(users) + BUDGET


def broken(rate: float) -> Need:
    """A client for each request: at so many users a second, if a processor took no time for it."""
    return Need(
        users=rate * answer_time(cold=True),
        passing=rate * sum(call_time(airline, cold=True) for airline in AIRLINES),
        kept=0,
    )


@cache
def call_time(airline: Airline, *, cold: bool) -> float:
    """The seconds that a call to this airline takes on average; `cold`: it has to open a connection first."""
    return _mean(survival(airline, cold=cold))


@cache
def answer_time(*, cold: bool) -> float:
    """The seconds that the service's answer takes on average: it waits for the last of ten, but not for ever."""
    calls = [survival(airline, cold=cold) for airline in AIRLINES]
    return _mean(lambda at: 1 - math.prod(1 - call(at) for call in calls))


def survival(airline: Airline, *, cold: bool) -> Survival:
    """How a lognormal time after the handshake, cut off where patience ends, survives."""
    before = airline.handshake if cold else 0.0
    until = min(airline.patience, WITHIN)

    def surviving(at: float) -> float:
        if at >= until:
            return 0.0
        if at <= before:
            return 1.0
        return 1 - _UNIT.cdf(math.log((at - before) / airline.median) / airline.sigma)

    return surviving


def _mean(surviving: Survival) -> float:
    """The mean of a time is the integral of its survival; here by the midpoints of its milliseconds."""
    return _STEP * sum(surviving((step + 0.5) * _STEP) for step in range(round(WITHIN / _STEP)))
