"""Which objective an endpoint is held to: its own, else the first shared one that is about it."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from milkrun.core.endpoint import Endpoint
from milkrun.core.glob import Glob
from milkrun.core.slo import Objective


class SharedObjective(msgspec.Struct, frozen=True, kw_only=True):
    """An objective of all endpoints together that are in one of `groups` and have one of `tags`; both are globs.

    Without groups it is any group, without tags it is any or none. Each of the endpoints that has no objective of its
    own is held to this one.
    """

    name: str
    objective: Objective
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def is_about(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint is one of those together."""
        return _any(self.groups, [endpoint.group]) and _any(self.tags, endpoint.tags)


def objective_of(endpoint: Endpoint, shared: Sequence[SharedObjective]) -> Objective | None:
    """What the endpoint is held to; None where nobody set a target."""
    if endpoint.slo is not None:
        return endpoint.slo
    return next((each.objective for each in shared if each.is_about(endpoint)), None)


def _any(globs: Sequence[str], names: Sequence[str]) -> bool:
    return not globs or any(_compiled(glob).matches(name) for glob in globs for name in names)


@lru_cache(maxsize=1_024)
def _compiled(glob: str) -> Glob:
    """Asked for once an endpoint, of which there are thousands."""
    return Glob(glob)
