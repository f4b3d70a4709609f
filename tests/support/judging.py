"""Observations and results for tests of the rules, each part with a default."""

from typing import Any

from milkrun.core.condition import parse_condition
from milkrun.core.evidence import Evidence
from milkrun.core.observation import Connection, Http, Observation, Timings, Tls
from milkrun.core.outcome import Outcome
from milkrun.core.result import ConditionResult, Result, Trigger

STARTED = 1_700_000_000.0


def observed(*, status: int | None = 200, body: bytes | str = b"", **parts: Any) -> Observation:
    """An observation of an answer; `status` None is no answer."""
    http = None if status is None else Http(status=status, version="1.1", bytes=len(body))
    raw = body.encode() if isinstance(body, str) else body
    given: dict[str, Any] = {"timings": Timings(total=0.05), "connected": True, "connection": Connection.WARM} | parts
    return Observation(started=STARTED, http=http, body=raw, **given)


def certificate(hours: float) -> Tls:
    """A session whose certificate ends so many hours after the check."""
    ends = STARTED + hours * 3_600
    return Tls(version="TLSv1.3", cipher="x", not_before=STARTED - 1, not_after=ends)


def judged(condition: str, observation: Observation) -> ConditionResult:
    """One condition's verdict."""
    return parse_condition(condition).evaluate(Evidence(observation))


def result(outcome: Outcome = Outcome.UP, **parts: Any) -> Result:
    """One result of endpoint 7."""
    given: dict[str, Any] = {
        "endpoint": 7,
        "revision": 1,
        "location": "local",
        "slot": 1_700_000_000_000,
        "attempt": 1,
        "trigger": Trigger.SCHEDULE,
        "started": STARTED,
        "outcome": outcome,
        "timings": Timings(total=0.05),
    }
    return Result(**(given | parts))
