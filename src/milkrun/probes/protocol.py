"""The Probe seam: a kind of check knows its options and makes probes; a probe observes and never raises for a bad target."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from milkrun.core.endpoint import Endpoint
from milkrun.core.observation import Observation

Probe = Callable[[], Awaitable[Observation]]


class ProbeMaker(Protocol):
    """Makes the probe of one endpoint: everything that can be built once is built here."""

    def __call__(self, endpoint: Endpoint) -> Probe:
        """A probe for `endpoint`, called once per check. It ends before the endpoint's timeout, never raises
        for a bad target, and lets cancellation through."""
