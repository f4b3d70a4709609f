"""Where every endpoint stands, moved on by results; what each step leaves behind goes to the backlog. No I/O."""

from collections.abc import Iterable, Mapping, Sequence

from milkrun.alerting.planner import Planner
from milkrun.core.chronicle import entries, moved
from milkrun.core.dependencies import Dependencies
from milkrun.core.endpoint import Registered
from milkrun.core.incident import Incident
from milkrun.core.observation import Observation
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, Rules, advance, explained, rules_of
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.exhibits import exhibit

NEW = EndpointState()


class Standing:
    """States by endpoint. A step keeps the state, its outage with a timeline and evidence, and who is to be told."""

    def __init__(self, *, states: Mapping[int, EndpointState], backlog: Backlog, planner: Planner) -> None:
        self._states = dict(states)
        self._backlog = backlog
        self._planner = planner
        self._registered: dict[int, Registered] = {}
        self._rules: dict[int, Rules] = {}
        self._dependencies = Dependencies()

    def watch(self, arriving: Sequence[Registered], at: int) -> None:
        """Take endpoints up, or in another form, at `at` (epoch ms): rules, and who explains whose outage."""
        for registered in arriving:
            self._learn(registered)
        for registered in arriving:
            self._explain([registered.id, *self._dependencies.dependents(registered.id)], at)

    def settle(self, registered: Registered, result: Result, seen: Observation | None) -> bool:
        """Move an endpoint on by a result that counts; says whether anybody should hear of it at once."""
        rules = self._rules.get(registered.id)
        if rules is None:
            rules = self._learn(registered)
        before = self._states.get(registered.id, NEW)
        after, change = advance(before, result, rules)
        if after is before:
            return False
        if change is not None:
            self._backlog.keep_change(change)
        if after.incident is not None and before.incident is None:
            evidence = exhibit(after.incident, registered, result, seen)
            self._backlog.pending.exhibits[evidence.incident] = evidence
            after = explained(after, self._dependencies.cause(registered.id))
        told = self._step(registered.id, before, after, result.slot)
        return told or change is not None

    def reroute(self, at: int) -> bool:
        """Go by other routes from `at` on: streaks to count, and outages to tell of that nobody was told of yet.

        Says whether anybody is told anything.
        """
        self._rules.clear()
        out = [(endpoint, state) for endpoint, state in self._states.items() if state.incident is not None]
        told = [self._plan(endpoint, NEW, state, at) for endpoint, state in out]
        return any(told)

    def retire(self, endpoint: int, at: int) -> None:
        """Forget a removed endpoint's streaks, and close its incident: what nobody watches is not down."""
        before = self._states.get(endpoint, NEW)
        if before != NEW:
            self._step(endpoint, before, NEW, at)
        self._states.pop(endpoint, None)
        self._registered.pop(endpoint, None)
        self._rules.pop(endpoint, None)
        self._dependencies.forget(endpoint)

    def _learn(self, registered: Registered) -> Rules:
        endpoint, place = registered.endpoint, registered.id
        self._registered[place] = registered
        out = self._states.get(place, NEW).incident is not None
        self._dependencies.watch(place, endpoint.key, endpoint.depends_on, out=out)
        rules = self._rules[place] = rules_of(endpoint, self._planner.depth(endpoint))
        return rules

    def _step(self, endpoint: int, before: EndpointState, after: EndpointState, at: int) -> bool:
        """Keep a step, and what follows from it for those that depend on the endpoint; says whether it is news."""
        self._states[endpoint] = after
        self._backlog.pending.states[endpoint] = after
        told = self._plan(endpoint, before, after, at)
        incident = moved(before, after, at)
        if incident is None:
            return told
        parent = self._dependencies.key(_parent(before.incident, incident))
        self._backlog.pending.incident(incident, entries(before.incident, incident, at, parent=parent))
        if (after.incident is None) is not (before.incident is None):
            self._dependencies.mark(endpoint, out=after.incident is not None)
            self._explain(self._dependencies.dependents(endpoint), at)
        return True

    def _plan(self, endpoint: int, before: EndpointState, after: EndpointState, at: int) -> bool:
        registered = self._registered.get(endpoint)
        # One that goes has no streak to end what was told of it, one that went before this start not even a name.
        if registered is None or after is NEW:
            plan = self._planner.retire(endpoint, at)
        else:
            plan = self._planner.plan(registered, before, after, at)
        if plan is not None:
            self._backlog.pending.plan(plan)
        return plan is not None

    def _explain(self, endpoints: Iterable[int], at: int) -> None:
        """See anew which of these outages another one explains."""
        for endpoint in endpoints:
            before = self._states.get(endpoint, NEW)
            after = explained(before, self._dependencies.cause(endpoint))
            if after is not before:
                self._step(endpoint, before, after, at)


def _parent(was: Incident | None, now: Incident) -> int | None:
    """The endpoint that explains an incident; where it has just ceased to, the one that did."""
    return was.parent if was is not None and now.parent is None else now.parent
