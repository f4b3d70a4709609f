"""Incidents that are no outage, one of a kind an endpoint: opened and closed by whoever watches for them. No I/O."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from milkrun.alerting.planner import Planner
from milkrun.core.chronicle import entries
from milkrun.core.endpoint import Registered
from milkrun.core.incident import OURSELVES, Incident, Kind
from milkrun.monitor.backlog import Backlog


class Notices:
    """`known` are those that were open when the last run ended: they go on."""

    def __init__(
        self, *, backlog: Backlog, planner: Planner, hurry: Callable[[], None], known: Iterable[Incident] = ()
    ) -> None:
        self._backlog = backlog
        self._planner = planner
        self._hurry = hurry
        self._open = {(incident.endpoint, incident.kind): incident for incident in known}
        self._subjects: dict[int, Registered] = {}

    def watch(self, arriving: Sequence[Registered]) -> None:
        """Take endpoints up, or in another form."""
        self._subjects.update((registered.id, registered) for registered in arriving)

    def get(self, endpoint: int, kind: Kind) -> Incident | None:
        """The open incident of this kind."""
        return self._open.get((endpoint, kind))

    def open(self, incident: Incident) -> None:
        """Open it."""
        self._open[incident.endpoint, incident.kind] = incident
        self._keep(None, incident, incident.opened)

    def close(self, endpoint: int, kind: Kind, at: int) -> None:
        """Close the open one at `at` (epoch ms), if there is one."""
        incident = self._open.pop((endpoint, kind), None)
        if incident is not None:
            self._keep(incident, msgspec.structs.replace(incident, closed=at), at)

    def retire(self, endpoint: int, at: int) -> None:
        """Close all there is of an endpoint that nobody watches any more."""
        for kind in Kind:
            self.close(endpoint, kind, at)
        self._subjects.pop(endpoint, None)

    def retire_unknown(self, at: int) -> None:
        """Close what was left open by endpoints that are gone."""
        for endpoint, kind in list(self._open):
            if endpoint != OURSELVES and endpoint not in self._subjects:
                self.close(endpoint, kind, at)

    def _keep(self, was: Incident | None, now: Incident, at: int) -> None:
        self._backlog.pending.incident(now, entries(was, now, at))
        subject = self._subjects.get(now.endpoint)
        if subject is not None or now.endpoint == OURSELVES:
            plan = self._planner.warn(subject, now, at)
            if plan is not None:
                self._backlog.pending.plan(plan)
        self._hurry()
