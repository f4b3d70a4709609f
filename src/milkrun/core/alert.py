"""Who is told of an incident, when, and by which way: the words and values of alerting. No I/O.

A *route* says which incidents go to which channels. A *message* is one thing to tell one channel about one incident;
every timer of alerting (delay, grouping, reminder, escalation, digest) is a message with a time at which it is due,
so that all of them survive a crash as rows.
"""

from datetime import time, tzinfo
from enum import StrEnum

import msgspec

from milkrun.core.incident import Incident, IncidentKey, Kind, Severity
from milkrun.core.outcome import Outcome

ALL_SEVERITIES = frozenset(Severity)


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which a route's messages wait for the end of them. `days` are 0 for Monday; severities in `save` pass.

    `begins` after `ends` means over midnight, and the day is the one they begin on; equal ones are no hours at all.
    Wall times of `zone`.
    """

    begins: time
    ends: time
    zone: tzinfo
    days: frozenset[int] = frozenset(range(7))
    save: frozenset[Severity] = frozenset()


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """Messages are gathered and sent as one: every `every` milliseconds since the epoch, or daily at `at` of `zone`."""

    every: int | None = None
    at: time | None = None
    zone: tzinfo | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An escalation: who is told when an incident is still open and not acknowledged `after` milliseconds."""

    after: int
    channels: tuple[str, ...]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of alerting. Durations are milliseconds; `groups`, `tags` are globs, empty for all; `endpoints` are keys.

    `failure` and `success` are how many outcomes in a row it takes to tell of trouble and of its end. `delay`: an
    incident that is over sooner is never told of. `wait`: how long what is due waits for others to go with it.
    `repeat`: a reminder while open and not acknowledged, 0 for none. `name` is unique and in messages' ids: it must
    not change with a restart. `description` is a text of the user's that goes with each message.
    """

    name: str
    channels: tuple[str, ...]
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    endpoints: frozenset[str] | None = None
    severities: frozenset[Severity] = ALL_SEVERITIES
    failure: int = 1
    success: int = 1
    delay: int = 0
    wait: int = 2_000
    repeat: int = 0
    resolve: bool = True
    quiet: QuietHours | None = None
    digest: Digest | None = None
    steps: tuple[Step, ...] = ()
    description: str = ""


class Purpose(StrEnum):
    """Why a message is sent."""

    TRIGGER = "trigger"
    REPEAT = "repeat"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    TEST = "test"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is about, as it was when the message was made: all that a reader needs, without asking anybody.

    `cause` is the layer and the sentence, or the failed condition with its value. `url` is the target as a person may
    see it. Times are epoch ms.
    """

    key: str
    name: str
    group: str
    url: str
    tags: tuple[str, ...] = ()
    kind: Kind = Kind.OUTAGE
    severity: Severity
    state: Outcome
    opened: int
    closed: int | None = None
    cause: str
    layer: str = ""
    description: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox. `id` is its idempotency key, made of what it is, so that it cannot be there twice.

    Not sent before `due`; before `firm` an incident's end still takes it back (both epoch ms). A RESOLVE that does not
    `tell` is never sent: it only takes back, for a route that does not tell of the end.
    """

    id: str
    channel: str
    route: str
    purpose: Purpose
    incident: IncidentKey
    created: int
    due: int
    firm: int
    subject: Subject
    tells: bool = True


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """A route has told, or is about to tell, of an endpoint's incident; it has not told of its end.

    `channels` are all that were or may yet be told, `subject` what they were told of: the end can be told to them, too,
    when endpoint and route are long gone from the configuration. `incident` is as it was when last told of; its
    `parent` is set while another outage explains it.
    """

    endpoint: int
    route: str
    channels: tuple[str, ...]
    incident: Incident
    subject: Subject
