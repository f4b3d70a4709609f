"""One route's state machine for one endpoint: what it does as the endpoint's outages come, worsen, are explained, end.

It has told of nothing (*quiet*), of an outage (*told*), or of one that another endpoint's outage came to explain
(*explained*). Each step reads from where things stand the one sign that matters (`sign_of`), and STEPS says what to do
about it. So a TRIGGER is only ever followed by the RESOLVE of the same outage, or by being taken back; an outage that
is explained from its beginning is never told of; and one that flaps stays open and told for as long as it does.

An outage that comes back before the route's `success` is reached is the one that was told of, going on.
"""

from enum import StrEnum

import msgspec

from milkrun.core.alert import Firing, Route
from milkrun.core.incident import Incident, Severity


class Stage(StrEnum):
    """Where a route stands with an endpoint."""

    QUIET = "quiet"
    TOLD = "told"
    EXPLAINED = "explained"


class Sign(StrEnum):
    """What has come about that the route does something for."""

    TROUBLE = "trouble"
    WORSE = "worse"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    OVER = "over"


class Deed(StrEnum):
    """What the route does about it: tell, tell again, take back, or tell of the end."""

    TELL = "tell"
    REMIND = "remind"
    WITHDRAW = "withdraw"
    END = "end"


STEPS: dict[tuple[Stage, Sign], tuple[Deed, Stage]] = {
    (Stage.QUIET, Sign.TROUBLE): (Deed.TELL, Stage.TOLD),
    (Stage.TOLD, Sign.WORSE): (Deed.REMIND, Stage.TOLD),
    (Stage.TOLD, Sign.EXPLAINED): (Deed.WITHDRAW, Stage.EXPLAINED),
    (Stage.TOLD, Sign.OVER): (Deed.END, Stage.QUIET),
    (Stage.EXPLAINED, Sign.UNEXPLAINED): (Deed.TELL, Stage.TOLD),
    (Stage.EXPLAINED, Sign.OVER): (Deed.END, Stage.QUIET),
}

_RANK = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint stands: its open outage, and its streaks as `EndpointState` counts them."""

    incident: Incident | None
    worse: tuple[int, int]
    better: tuple[int, int]


def stage_of(firing: Firing | None) -> Stage:
    """Where the route stands, by what it keeps of it."""
    if firing is None:
        return Stage.QUIET
    return Stage.TOLD if firing.incident.parent is None else Stage.EXPLAINED


def sign_of(route: Route, firing: Firing | None, standing: Standing) -> Sign | None:
    """What is to be done something about; None for nothing."""
    if firing is None:
        return Sign.TROUBLE if _is_trouble(route, standing) else None
    incident = standing.incident
    if incident is None:
        return Sign.OVER if standing.better[0] >= route.success else None
    if firing.incident.parent is not None:
        return Sign.UNEXPLAINED if incident.parent is None else None
    if incident.parent is not None:
        return Sign.EXPLAINED
    return Sign.WORSE if _is_worse(route, firing.incident, incident) else None


def step(route: Route, firing: Firing | None, standing: Standing) -> Deed | None:
    """What the route does now; None for nothing."""
    sign = sign_of(route, firing, standing)
    return None if sign is None else STEPS[stage_of(firing), sign][0]


def _is_trouble(route: Route, standing: Standing) -> bool:
    """It is an outage to tell of. One that flaps may never come to a streak, and is told of just the same."""
    incident = standing.incident
    if incident is None or incident.parent is not None or incident.severity not in route.severities:
        return False
    # To a route for what is critical alone, only what is down counts.
    streak = standing.worse[0] if Severity.WARNING in route.severities else standing.worse[1]
    return incident.flapping or streak >= route.failure


def _is_worse(route: Route, told: Incident, incident: Incident) -> bool:
    worse = _RANK[incident.severity] > _RANK[told.severity]
    return worse and not incident.flapping and incident.severity in route.severities
