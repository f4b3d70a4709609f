"""Forgets old results, a small bite at a time, so that the one writer is never kept from what is new."""

import structlog

from milkrun.clock import Clock
from milkrun.store.protocol import Store, StoreError

log = structlog.get_logger(__name__)

EVERY = 60.0
BETWEEN_BITES = 0.2


class Retention:
    """Removes results older than `keep` seconds, and the oldest while the store is over `max_bytes`."""

    def __init__(self, *, clock: Clock, store: Store, keep: float, max_bytes: int) -> None:
        self._clock = clock
        self._store = store
        self._keep = keep
        self._max_bytes = max_bytes

    async def run(self) -> None:
        """Look every minute until cancelled."""
        while True:
            more = await self._bite()
            await self._clock.sleep_until(self._clock.now() + (BETWEEN_BITES if more else EVERY))

    async def _bite(self) -> bool:
        before = int((self._clock.wall() - self._keep) * 1_000)
        try:
            return (await self._store.prune(before=before, max_bytes=self._max_bytes)).more
        except StoreError as err:
            log.warning("old results could not be removed", reason=str(err))
            return False
