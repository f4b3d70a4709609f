"""A Result: what came of one check, with its identity, and how it reads as JSON.

Identity is (endpoint, location, slot, attempt). A result refers to the endpoint's integer id and revision,
so that conditions changed later never falsify it.
"""

from enum import StrEnum

import msgspec

from milkrun.core.observation import Connection, Http, Timings, Tls
from milkrun.core.outcome import Failure, Outcome


class Trigger(StrEnum):
    """Why a check ran."""

    SCHEDULE = "schedule"
    RETRY = "retry"
    MANUAL = "manual"


class ConditionResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One condition's verdict; `shown` is its text, with the resolved values where it failed."""

    condition: str
    passed: bool
    shown: str


class Result(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one check. `slot` is epoch milliseconds, `started` epoch seconds, `lag_ms` milliseconds.

    `maintenance`: the slot fell in a maintenance window, so that its outcome counts for nothing but the record.
    """

    endpoint: int
    revision: int
    location: str
    slot: int
    attempt: int
    trigger: Trigger
    started: float
    outcome: Outcome
    timings: Timings
    connection: Connection | None = None
    stale_retry: bool = False
    peer: str | None = None
    lag_ms: float = 0.0
    warnings: tuple[str, ...] = ()
    http: Http | None = None
    tls: Tls | None = None
    conditions: tuple[ConditionResult, ...] = ()
    failure: Failure | None = None
    maintenance: bool = False
