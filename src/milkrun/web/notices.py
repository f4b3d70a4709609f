"""What stands on every page until it is dealt with: alerts that do not arrive, and our own network.

Pages are made without asking the store for it: one task reads every few seconds, and keeps the last it read.
"""

from collections.abc import Sequence

import structlog

from milkrun.core.incident import Incident, Kind
from milkrun.store.outbox_protocol import ChannelState
from milkrun.store.protocol import Store, StoreError
from milkrun.web import words
from milkrun.web.services import Desk

log = structlog.get_logger()

EVERY = 5.0  # seconds


class Notices:
    """Channels as they stood at the last look, and the open incident of our own network, if there is one."""

    def __init__(self, store: Store, outbox: Desk) -> None:
        self.channels: Sequence[ChannelState] = ()
        self.network: Incident | None = None
        self._store = store
        self._outbox = outbox

    async def look(self) -> None:
        """Read once; a store that cannot be read leaves what was known, as it says so elsewhere."""
        try:
            self.channels = await self._outbox.channels()
            page = await self._store.incidents(open_only=True, kinds=[Kind.NETWORK], limit=1)
        except StoreError as err:
            log.warning("the pages' notices are not up to date", reason=str(err))
            return
        self.network = page.items[0] if page.items else None

    def alerts(self) -> list[str]:
        """A sentence for each channel that somebody has to look after."""
        return [said for channel in self.channels if (said := _trouble(channel)) is not None]


def _trouble(channel: ChannelState) -> str | None:
    name = channel.channel
    if channel.disabled is not None:
        return f"No alert goes to {name}: it is disabled. {words.sentence(channel.disabled)}"
    if channel.failed == 1:
        return f"One message to {name} was given up and has not arrived."
    return f"{channel.failed:,} messages to {name} were given up and have not arrived." if channel.failed else None
