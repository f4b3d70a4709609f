"""A plan in the making: the messages, firings and withdrawals that one change comes to."""

import msgspec

from milkrun.core.alert import Firing, Message, Purpose, Route, Subject
from milkrun.core.incident import Incident, IncidentKey
from milkrun.core.timing import due


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be committed with the change that it came of. `firings` are by (endpoint, route), None for an end.

    `withdrawn` come before `messages`: of two plans for one transaction, the messages that the first one has for an
    incident which the second one withdraws are dropped.
    """

    messages: tuple[Message, ...]
    firings: dict[tuple[int, str], Firing | None]
    withdrawn: tuple[IncidentKey, ...]


class Draft:
    """Everything in it is made at `at` (epoch ms)."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.firings: dict[tuple[int, str], Firing | None] = {}
        self._messages: list[Message] = []
        self._withdrawn: list[IncidentKey] = []

    def plan(self) -> Plan | None:
        """The plan; None where there is nothing in it."""
        if not self._messages and not self.firings and not self._withdrawn:
            return None
        return Plan(messages=tuple(self._messages), firings=self.firings, withdrawn=tuple(self._withdrawn))

    def tell(self, route: Route, incident: Incident, subject: Subject) -> None:
        """Tell of an outage, and plan who is told if nobody is on it in time."""
        self._trigger(route, incident.key, subject, self.at)
        self._keep(_firing(route, incident, subject))

    def remind(self, route: Route, incident: Incident, subject: Subject) -> None:
        """Tell again of an outage that got worse."""
        for channel in route.channels:
            self._add(Purpose.REPEAT, route, channel, incident.key, subject, earliest=self.at)
        self._keep(_firing(route, incident, subject))

    def withdraw(self, firing: Firing, incident: Incident) -> None:
        """Take back what waits: another outage explains this one. Its end is told where it had been told of."""
        explained = msgspec.structs.replace(firing.incident, parent=incident.parent)
        self._withdrawn.append(explained.key)
        self._keep(msgspec.structs.replace(firing, incident=explained))

    def end(self, route: Route, firing: Firing, *, closed: int) -> None:
        """Tell everybody who was told that it is over."""
        subject = msgspec.structs.replace(firing.subject, closed=closed)
        self._resolve(route, firing.channels, firing.incident.key, subject, self.at)
        self.firings[firing.endpoint, firing.route] = None

    def warn(self, route: Route, subject: Subject, incident: Incident) -> None:
        """Tell of a warning that opened, or of the end of one; by its own times, so that asking twice is the same."""
        if incident.closed is None:
            self._trigger(route, incident.key, subject, incident.opened)
        else:
            self._resolve(route, channels_of(route), incident.key, subject, incident.closed)

    def _trigger(self, route: Route, key: IncidentKey, subject: Subject, created: int) -> None:
        for channel in route.channels:
            earliest = self.at + route.delay
            self._add(Purpose.TRIGGER, route, channel, key, subject, earliest=earliest, created=created)
        for step in route.steps:
            time = max(subject.opened + step.after, self.at + route.delay)
            for channel in step.channels:
                # Two steps may tell the same channel, and an outage may be told of twice: each is one of its own.
                made = created + step.after
                self._add(Purpose.ESCALATE, route, channel, key, subject, earliest=time, created=made)

    def _resolve(
        self, route: Route, channels: tuple[str, ...], key: IncidentKey, subject: Subject, created: int
    ) -> None:
        for channel in channels:
            self._add(Purpose.RESOLVE, route, channel, key, subject, earliest=self.at, created=created)

    def _add(
        self,
        purpose: Purpose,
        route: Route,
        channel: str,
        key: IncidentKey,
        subject: Subject,
        *,
        earliest: int,
        created: int | None = None,
    ) -> None:
        made = self.at if created is None else created
        self._messages.append(
            Message(
                id=message_id(key, route.name, channel, purpose, made),
                channel=channel,
                route=route.name,
                purpose=purpose,
                incident=key,
                created=made,
                due=due(route, subject.severity, earliest),
                firm=earliest,
                subject=subject,
                tells=route.resolve or purpose is not Purpose.RESOLVE,
            )
        )

    def _keep(self, firing: Firing) -> None:
        self.firings[firing.endpoint, firing.route] = firing


def message_id(key: IncidentKey, route: str, channel: str, purpose: Purpose, created: int) -> str:
    """A message's idempotency key."""
    return f"{key}/{route}/{channel}/{purpose.value}/{created}"


def channels_of(route: Route) -> tuple[str, ...]:
    """All that a route tells, its steps included; each once."""
    return tuple(dict.fromkeys([*route.channels, *(channel for step in route.steps for channel in step.channels)]))


def _firing(route: Route, incident: Incident, subject: Subject) -> Firing:
    return Firing(
        endpoint=incident.endpoint, route=route.name, channels=channels_of(route), incident=incident, subject=subject
    )
