"""The Probe seam: a probe observes one endpoint once per call and never raises for a bad target."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from milkrun.core.endpoint import Endpoint
from milkrun.core.observation import Observation

Probe = Callable[[], Awaitable[Observation]]


class ProbeMaker(Protocol):
    """Makes the probe of one endpoint: everything that can be built once is built here."""

    def __call__(self, endpoint: Endpoint) -> Probe:
        """Make the probe of `endpoint`, called once per check.

        It ends before the endpoint's timeout, never raises for a bad target, and lets cancellation through.
        """
