"""Which routes are for which endpoints. No I/O."""

from milkrun.core.alert import Route
from milkrun.core.endpoint import Endpoint
from milkrun.core.glob import Glob


class Selector:
    """A route with its globs compiled: it is asked once an endpoint. Raises ValueError for an unreadable glob."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._groups = tuple([Glob(pattern) for pattern in route.groups])
        self._tags = tuple([Glob(pattern) for pattern in route.tags])

    def takes(self, endpoint: Endpoint | None) -> bool:
        """Whether the route is for this endpoint; None stands for Milkrun itself, which no filter ever names."""
        route = self.route
        if endpoint is None:
            return not route.groups and not route.tags and route.endpoints is None
        if route.endpoints is not None and endpoint.key not in route.endpoints:
            return False
        in_group = not self._groups or any(glob.matches(endpoint.group) for glob in self._groups)
        return in_group and (not self._tags or any(glob.matches(tag) for glob in self._tags for tag in endpoint.tags))
