"""The endpoint's state machine: outcomes in a row become a state, a state's changes become incidents."""

import msgspec

from milkrun.core.outcome import Outcome


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint stands. `since` is the slot (epoch ms) at which `state` began, None before any result.

    `settled` is the last state that thresholds decided; `state` differs from it only while Milkrun itself is
    blind (`unknown`). `run` counts the outcomes in a row at least as bad, or as good, as each level.
    """

    state: Outcome = Outcome.UNKNOWN
    settled: Outcome = Outcome.UNKNOWN
    since: int | None = None
    worse: tuple[int, int] = (0, 0)
    better: tuple[int, int] = (0, 0)
    incident: int | None = None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of not being up. Identity is (endpoint, opened); times are slots, epoch milliseconds."""

    endpoint: int
    opened: int
    closed: int | None
    state: Outcome
    cause: str


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an endpoint's state, and the incident it opened, changed or closed."""

    endpoint: int
    before: Outcome
    after: Outcome
    at: int
    incident: Incident | None = None
