"""The Outbox over SQL: every verb is one transaction in one of the store's threads."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from milkrun.core.alert import Message
from milkrun.core.incident import IncidentKey
from milkrun.store import outbox_channels, outbox_claims
from milkrun.store.outbox_protocol import Attempt, ChannelState, Claim
from milkrun.store.threads import Threads


class OutboxVerbs(Threads):
    """An Outbox; see the protocol."""

    _heard: Callable[[], None] | None = None

    def listen(self, heard: Callable[[], None]) -> None:
        """Call this after every transaction that brought messages."""
        self._heard = heard

    def _tell(self, messages: Sequence[Message]) -> None:
        if messages and self._heard is not None:
            self._heard()

    async def configure(self, channels: Mapping[str, str], *, now: int) -> None:
        """Know these channels."""
        await self._change(partial(outbox_channels.configure, channels=channels, now=now))

    async def end_leases(self) -> None:
        """Nobody delivers now."""
        await self._change(outbox_claims.end_leases)

    async def next_due(self, channel: str) -> int | None:
        """When the first message of a channel may be claimed."""
        return await self._ask(partial(outbox_claims.next_due, channel=channel))

    async def claim(self, channel: str, *, now: int, lease: int, limit: int) -> Claim | None:
        """Claim what is due."""
        return await self._change(partial(outbox_claims.claim, channel=channel, now=now, lease=lease, limit=limit))

    async def sent(self, claim: Claim, attempt: Attempt, *, follow: Sequence[Message] = ()) -> None:
        """They arrived."""
        await self._change(partial(outbox_claims.sent, claimed=claim, attempt=attempt, follow=follow))

    async def put_off(self, claim: Claim, attempt: Attempt | None, *, until: int, stale: int | None = None) -> None:
        """They wait."""
        await self._change(partial(outbox_claims.put_off, claimed=claim, attempt=attempt, until=until, stale=stale))

    async def hold(self, claim: Claim, due: Mapping[str, int]) -> Claim | None:
        """Some of them are not due yet."""
        return await self._change(partial(outbox_claims.hold, claimed=claim, due=due))

    async def give_up(self, claim: Claim, attempt: Attempt, *, disable: bool) -> None:
        """They are failed."""
        await self._change(partial(outbox_claims.give_up, claimed=claim, attempt=attempt, disable=disable))

    async def record(self, attempt: Attempt) -> None:
        """Write down an attempt that was at no message."""
        await self._change(partial(outbox_claims.log_attempt, attempt=attempt))

    async def acknowledge(self, incident: IncidentKey, *, by: str, at: int) -> bool:
        """Note that somebody is on it."""
        return await self._change(partial(outbox_channels.acknowledge, incident=incident, by=by, at=at))

    async def note(self, incident: IncidentKey, *, by: str, at: int, text: str) -> bool:
        """Add a person's note."""
        return await self._change(partial(outbox_channels.note, incident=incident, by=by, at=at, text=text))

    async def channels(self) -> list[ChannelState]:
        """How every channel does."""
        return await self._ask(outbox_channels.channels)

    async def attempts(self, channel: str, *, limit: int) -> list[Attempt]:
        """A channel's last attempts."""
        return await self._ask(partial(outbox_channels.attempts, channel=channel, limit=limit))

    async def secret(self) -> bytes:
        """The key that links are signed with."""
        return await self._change(outbox_channels.secret)
