"""From changes of endpoints' states to the messages that tell of them. Nothing here waits or asks anybody."""

from collections.abc import Iterable, Mapping

import msgspec

from milkrun.alerting.draft import Draft, Plan
from milkrun.core.alert import Firing, Route, Subject
from milkrun.core.alerting import Deed, Standing, step
from milkrun.core.endpoint import Endpoint, Registered, Thresholds
from milkrun.core.incident import Incident
from milkrun.core.routing import Selector
from milkrun.core.state import EndpointState

_NO_STREAKS = Thresholds()


class _Reach(msgspec.Struct, frozen=True):
    """Which routes are for an endpoint, and the longest streaks that they ask for."""

    endpoint: Endpoint
    routes: tuple[Route, ...]
    depth: Thresholds


class Planner:
    """What every route has told of, and what it tells next.

    `firings` are those that were committed last: planning goes on from them, so that the same changes always come to
    the same messages, whatever happened in between.
    """

    def __init__(self, routes: Iterable[Route], firings: Mapping[tuple[int, str], Firing]) -> None:
        self._firings: dict[int, dict[str, Firing]] = {}
        for (endpoint, route), firing in firings.items():
            self._firings.setdefault(endpoint, {})[route] = firing
        self.use(routes)

    def use(self, routes: Iterable[Route]) -> None:
        """Plan by these routes from now on. What a route that is gone has told of still gets its end."""
        self._selectors = tuple([Selector(route) for route in routes])
        self._reaches: dict[str, _Reach] = {}

    def depth(self, endpoint: Endpoint) -> Thresholds:
        """How long the streaks are that the endpoint's routes ask for."""
        return self._reach(endpoint).depth

    def plan(self, registered: Registered, before: EndpointState, after: EndpointState, at: int) -> Plan | None:
        """What a change of an endpoint's state at `at` (epoch ms) is told by; None where nobody is told anything."""
        told = self._firings.get(registered.id)
        if told is None and after.incident is None:
            return None
        incident = after.incident
        if incident == before.incident and after.worse == before.worse and after.better == before.better:
            return None
        draft = Draft(at)
        standing = Standing(incident=incident, worse=after.worse, better=after.better)
        for route in self._concerned(registered.endpoint, told or {}):
            firing = None if told is None else told.get(route.name)
            deed = step(route, firing, standing)
            if firing is not None and deed is Deed.END:
                draft.end(route, firing, closed=after.since or at)
            elif firing is not None and incident is not None and deed is Deed.WITHDRAW:
                draft.withdraw(firing, incident)
            elif deed is not None and incident is not None:
                outage = _as_told(incident, firing)
                subject = subject_of(route, registered.endpoint, outage)
                (draft.tell if deed is Deed.TELL else draft.remind)(route, outage, subject)
        return self._kept(draft)

    def warn(self, subject: Registered | None, incident: Incident, at: int) -> Plan | None:
        """What a warning that opened or closed is told by: a certificate, a domain, Milkrun's own network (None).

        It may be asked again about the same incident: the messages are the same, so nothing is told twice.
        """
        endpoint = None if subject is None else subject.endpoint
        routes = self._routes(None) if endpoint is None else self._reach(endpoint).routes
        draft = Draft(at)
        for route in routes:
            if incident.severity in route.severities:
                draft.warn(route, subject_of(route, endpoint, incident), incident)
        return draft.plan()

    def retire(self, endpoint: int, at: int) -> Plan | None:
        """Tell the end of what was told of an endpoint that nobody watches any more."""
        draft = Draft(at)
        routes = {selector.route.name: selector.route for selector in self._selectors}
        for firing in self._firings.get(endpoint, {}).values():
            draft.end(routes.get(firing.route, _gone(firing)), firing, closed=at)
        return self._kept(draft)

    def _kept(self, draft: Draft) -> Plan | None:
        for (endpoint, route), firing in draft.firings.items():
            of_endpoint = self._firings.setdefault(endpoint, {})
            if firing is not None:
                of_endpoint[route] = firing
            else:
                of_endpoint.pop(route, None)
            if not of_endpoint:
                del self._firings[endpoint]
        return draft.plan()

    def _concerned(self, endpoint: Endpoint, told: Mapping[str, Firing]) -> Iterable[Route]:
        """The endpoint's routes, and those that were its routes when they told of it."""
        routes = self._reach(endpoint).routes
        if not told:
            return routes
        names = {route.name for route in routes}
        known = {selector.route.name: selector.route for selector in self._selectors}
        left = [known.get(name, _gone(firing)) for name, firing in told.items() if name not in names]
        return [*routes, *left]

    def _routes(self, endpoint: Endpoint | None) -> tuple[Route, ...]:
        return tuple([selector.route for selector in self._selectors if selector.takes(endpoint)])

    def _reach(self, endpoint: Endpoint) -> _Reach:
        reach = self._reaches.get(endpoint.key)
        if reach is None or reach.endpoint is not endpoint:
            routes = self._routes(endpoint)
            reach = self._reaches[endpoint.key] = _Reach(endpoint, routes, _deepest(routes))
        return reach


def subject_of(route: Route, endpoint: Endpoint | None, incident: Incident) -> Subject:
    """What a message about an incident says, as things are now."""
    return Subject(
        key="" if endpoint is None else endpoint.key,
        name="Milkrun's own network" if endpoint is None else endpoint.name,
        group="" if endpoint is None else endpoint.group,
        url="" if endpoint is None else endpoint.target,
        tags=() if endpoint is None else endpoint.tags,
        kind=incident.kind,
        severity=incident.severity,
        state=incident.state,
        opened=incident.opened,
        closed=incident.closed,
        cause=incident.cause,
        layer=incident.layer,
        description=route.description,
    )


def _as_told(incident: Incident, firing: Firing | None) -> Incident:
    """What comes back before it was said to be over is the outage that was told of, under its key."""
    if firing is None or firing.incident.opened == incident.opened:
        return incident
    return msgspec.structs.replace(incident, opened=firing.incident.opened)


def _deepest(routes: Iterable[Route]) -> Thresholds:
    failure = max((route.failure for route in routes), default=_NO_STREAKS.failure)
    return Thresholds(failure=failure, success=max((route.success for route in routes), default=_NO_STREAKS.success))


def _gone(firing: Firing) -> Route:
    """A route that is not configured any more, as far as it takes to tell of the end."""
    return Route(name=firing.route, channels=firing.channels)
