"""What waits for the store besides raw results: all of it small, kept once an identity, and never dropped. No I/O."""

from collections.abc import Collection

import msgspec

from milkrun.alerting.draft import Plan
from milkrun.core.alert import Firing, Message
from milkrun.core.incident import Entry, Exhibit, Incident, IncidentKey, Moment
from milkrun.core.observation import Connection
from milkrun.core.rollup import Rollup
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Gap

RollupKey = tuple[int, int, str, Connection | None]


class Pending(msgspec.Struct):
    """Each field is by identity, in the order in which things were first kept; what comes again replaces."""

    states: dict[int, EndpointState] = {}
    incidents: dict[IncidentKey, Incident] = {}
    entries: dict[tuple[IncidentKey, int, Moment], Entry] = {}
    exhibits: dict[IncidentKey, Exhibit] = {}
    rollups: dict[RollupKey, Rollup] = {}
    gaps: dict[int, Gap] = {}
    firings: dict[tuple[int, str], Firing | None] = {}
    messages: dict[str, Message] = {}
    withdrawn: dict[IncidentKey, None] = {}

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)

    def incident(self, incident: Incident, entries: list[Entry]) -> None:
        """Keep an incident as it is now, and what its timeline has to say of that."""
        self.incidents[incident.key] = incident
        self.entries.update(((entry.incident, entry.at, entry.moment), entry) for entry in entries)

    def rollup(self, rollup: Rollup) -> None:
        """Keep five minutes that closed."""
        self.rollups[rollup.start, rollup.endpoint, rollup.location, rollup.connection] = rollup

    def plan(self, plan: Plan) -> None:
        """Keep who is to be told; what it withdraws is taken from what waits here as well."""
        self.withdraw(plan.withdrawn)
        self.firings.update(plan.firings)
        self.messages.update((message.id, message) for message in plan.messages)

    def followed_by(self, newer: "Pending") -> "Pending":
        """Both as one, this the older."""
        self.withdraw(newer.withdrawn)
        return Pending(**{name: getattr(self, name) | getattr(newer, name) for name in self.__struct_fields__})

    def withdraw(self, incidents: Collection[IncidentKey]) -> None:
        """Nobody needs to be told of these any more, and what waits here for them goes at once."""
        self.withdrawn.update(dict.fromkeys(incidents))
        if incidents:
            gone = set(incidents)
            self.messages = {key: each for key, each in self.messages.items() if each.incident not in gone}
