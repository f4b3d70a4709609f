"""What alerting asks of a store: messages that wait, who delivers them now, what came of every attempt.

A message is *pending* until a worker claims it for a time (a lease); a worker that dies leaves it to the next one when
its lease is over. It ends as *sent*, *withdrawn* (nobody needs it any more) or *failed* (given up, visibly).
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from milkrun.core.alert import Message
from milkrun.core.incident import IncidentKey


class Status(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one channel to be delivered together, in order. `id` is this claim's.

    `tried`: attempts that failed since one arrived; `failing` (epoch ms): when the first of these was, None without.
    """

    id: str
    channel: str
    messages: tuple[Message, ...]
    tried: int
    failing: int | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at delivering. `at` is epoch ms, `took` seconds, `messages` how many; `error` None where it arrived."""

    channel: str
    at: int
    took: float
    messages: int
    error: str | None = None


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel does: messages that wait, that were given up, its last attempt; why it is disabled, else None.

    `arrived` and `refused` count the attempts there ever were, by what came of them: they only grow.
    """

    channel: str
    pending: int
    failed: int
    last: Attempt | None
    disabled: str | None
    arrived: int = 0
    refused: int = 0


class Outbox(Protocol):
    """One transaction a verb; every verb raises StoreUnavailableError with nothing done."""

    def listen(self, heard: Callable[[], None]) -> None:
        """Call this after every transaction that brought messages, from the loop that wrote them; it must be quick."""

    async def configure(self, channels: Mapping[str, str], *, now: int) -> None:
        """Tell which channels there are, by name, and a fingerprint of how each is configured.

        One that was disabled is enabled where that has changed. What waits for a channel that is gone is given up.
        """

    async def end_leases(self) -> None:
        """Nobody delivers now: for whoever holds the database and starts, so that he need not wait for dead workers."""

    async def next_due(self, channel: str) -> int | None:
        """When (epoch ms) the first message may be claimed, not before a lease is over; None: nothing waits."""

    async def claim(self, channel: str, *, now: int, lease: int, limit: int) -> Claim | None:
        """Claim what is due, oldest first, for `lease` ms; None where nothing is, or another worker has this channel.

        What waits for another try holds up whatever came later, and is tried again by itself, so that it has the same
        to say each time; what is not due yet holds up nothing.
        """

    async def sent(self, claim: Claim, attempt: Attempt, *, follow: Sequence[Message] = ()) -> None:
        """They arrived. `follow` (reminders) are added for incidents that are still open and not acknowledged."""

    async def put_off(self, claim: Claim, attempt: Attempt | None, *, until: int, stale: int | None = None) -> None:
        """They wait until `until` (epoch ms): for another try, or, without an attempt, for a rate.

        Those that were due before `stale` have waited for too long and are given up.
        """

    async def hold(self, claim: Claim, due: Mapping[str, int]) -> Claim | None:
        """Some of them, one at least, are not due before a later time (quiet hours), by id; what is left, if anything.

        What tells of the end of what is held back is held back as well.
        """

    async def give_up(self, claim: Claim, attempt: Attempt, *, disable: bool) -> None:
        """They are failed, for good; with `disable` the channel takes no more until it is enabled."""

    async def record(self, attempt: Attempt) -> None:
        """Write down an attempt at something that is no message: a test, a heartbeat."""

    async def acknowledge(self, incident: IncidentKey, *, by: str, at: int) -> bool:
        """Note that somebody is on it, which ends reminders and escalation; False where it is over or not there."""

    async def note(self, incident: IncidentKey, *, by: str, at: int, text: str) -> bool:
        """Add a person's note to an incident's timeline; False where there is no such incident."""

    async def channels(self) -> list[ChannelState]:
        """How every channel does that ever had a message or an attempt, by name."""

    async def attempts(self, channel: str, *, limit: int) -> list[Attempt]:
        """A channel's last attempts, newest first."""

    async def secret(self) -> bytes:
        """The key that links are signed with: made once, 32 random bytes, and kept."""
