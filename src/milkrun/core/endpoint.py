"""An Endpoint: what is monitored, and by which rules. Frozen, and valid from construction."""

import msgspec

from milkrun.core.condition import Condition
from milkrun.core.flapping import Flapping
from milkrun.core.maintenance import Window
from milkrun.core.outcome import Outcome
from milkrun.core.slo import Objective


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Re-check a failing endpoint `count` times, `delay` seconds apart, before the failure counts."""

    count: int = 0
    delay: float = 1.0

    def repeats(self, outcome: Outcome, attempt: int) -> bool:
        """Whether a check that came to `outcome` on this attempt, from 1, is repeated, so that it does not count."""
        return outcome is Outcome.DOWN and attempt <= self.count


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """How many outcomes in a row it takes to change the state: for the worse, for the better."""

    failure: int = 1
    success: int = 1


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What is monitored. `interval` is milliseconds, `timeout` seconds.

    `options` belongs to the kind of check and is read by nobody else. `target` is what a person is shown (the
    URL, never with credentials). `fingerprint` changes when anything does that a result's meaning rests on.

    `depends_on` are keys of endpoints whose outage explains this one's. `quorum`: locations that must agree on a
    state, None for a majority. `certificate_expiry`, `domain_expiry`: how long before it ends an expiry is warned of,
    in milliseconds, 0 for never. `slo` is its own objective.
    """

    key: str
    name: str
    group: str
    kind: str
    target: str
    interval: int
    timeout: float
    options: object
    conditions: tuple[Condition, ...] = ()
    degraded: tuple[Condition, ...] = ()
    thresholds: Thresholds = Thresholds()
    retry: Retry = Retry()
    tags: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    quorum: int | None = None
    flapping: Flapping | None = None
    maintenance: tuple[Window, ...] = ()
    certificate_expiry: int = 0
    domain_expiry: int = 0
    slo: Objective | None = None
    source: str = "file"
    fingerprint: str = ""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with the integer id and revision the store gave it."""

    id: int
    revision: int
    endpoint: Endpoint
