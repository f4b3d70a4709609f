"""A store that a test can break and mend, holding what was committed as the batches it came in."""

import asyncio
from collections.abc import Sequence

import msgspec

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.store.memory import MemoryStore
from milkrun.store.protocol import Batch, Keep, Storage, StoreUnavailableError, Upkeep


class TryingStore(MemoryStore):
    """A MemoryStore that fails while `trouble` is set, waits while `gate` is closed, and may refuse to register."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: str | None = None
        self.registers = True
        self.tries = 0
        self.batches: list[Batch] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Register, or raise."""
        if not self.registers:
            raise StoreUnavailableError("the disk is full")
        return await super().register(endpoints)

    async def write(self, batch: Batch) -> None:
        """Commit, or raise as a full disk does."""
        self.tries += 1
        await self.gate.wait()
        self._fail()
        self.batches.append(msgspec.structs.replace(batch))
        await super().write(batch)

    async def upkeep(self, now: int, keep: Keep) -> Upkeep:
        """Do a bite, or raise."""
        self._fail()
        return await super().upkeep(now, keep)

    async def storage(self) -> Storage:
        """Measure, or raise."""
        self._fail()
        return await super().storage()

    def _fail(self) -> None:
        if self.trouble is not None:
            raise StoreUnavailableError(self.trouble)
