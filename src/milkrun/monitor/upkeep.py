"""Keeps history short and quick to read, in small bites, so that the one writer is never kept from what is new."""

import structlog

from milkrun.clock import Clock
from milkrun.config.settings import StorageSettings
from milkrun.store.protocol import Keep, Store, StoreError

log = structlog.get_logger(__name__)

EVERY = 60.0
# A bite holds the writer for some milliseconds, and leaves it alone for longer. One that is worked out first, as when
# an hour is packed, takes the interpreter from the checks meanwhile: after it they have it for twice that time.
BETWEEN_BITES = 0.05


class Housekeeping:
    """Has the store pack, merge and forget, by these settings."""

    def __init__(self, *, clock: Clock, store: Store, storage: StorageSettings) -> None:
        self._clock = clock
        self._store = store
        self._keep = kept(storage)

    async def run(self) -> None:
        """Look every minute until cancelled."""
        while True:
            began = self._clock.now()
            more = await self._bite()
            ended = self._clock.now()
            await self._clock.sleep_until(ended + (max(BETWEEN_BITES, 2 * (ended - began)) if more else EVERY))

    async def _bite(self) -> bool:
        try:
            return (await self._store.upkeep(int(self._clock.wall() * 1_000), self._keep)).more
        except StoreError as err:
            log.warning("history could not be tidied", reason=str(err))
            return False


def kept(storage: StorageSettings) -> Keep:
    """The settings in the store's words."""
    return Keep(
        results=int(storage.retention * 1_000),
        five_minutes=int(storage.retention_five_minutes * 1_000),
        hours=int(storage.retention_hours * 1_000),
        days=int(storage.retention_days * 1_000),
        incidents=int(storage.retention_incidents * 1_000),
        max_bytes=storage.max_size,
    )
