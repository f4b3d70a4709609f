"""What app hands to the web layer: everything it may touch, and nothing else."""

from typing import Protocol

import msgspec

from milkrun.config.settings import Settings
from milkrun.core.incident import IncidentKey
from milkrun.monitor.live import Live
from milkrun.store.outbox_protocol import Attempt, ChannelState
from milkrun.store.protocol import Store


class Desk(Protocol):
    """The part of an Outbox that people use; what each verb does is said there."""

    async def acknowledge(self, incident: IncidentKey, *, by: str, at: int) -> bool:
        """Note that somebody is on it."""

    async def note(self, incident: IncidentKey, *, by: str, at: int, text: str) -> bool:
        """Add a person's note."""

    async def channels(self) -> list[ChannelState]:
        """How every channel does."""

    async def attempts(self, channel: str, *, limit: int) -> list[Attempt]:
        """A channel's last attempts."""

    async def secret(self) -> bytes:
        """The key that links are signed with."""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The store, the outbox and the live hub, and the facts a page shows; `started` is epoch seconds."""

    store: Store
    outbox: Desk
    live: Live
    settings: Settings
    version: str
    location: str
    started: float
