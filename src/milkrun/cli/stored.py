"""What a command reads from a store, while a server may be writing to it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from milkrun.cli.configuration import read_or_refuse
from milkrun.cli.storage import stored, told
from milkrun.config.settings import Settings
from milkrun.store.opening import database_of, open_store
from milkrun.store.protocol import Store

T = TypeVar("T")


def settings_of(config: Path | None, data: Path | None, database: str | None) -> Settings:
    """What the configuration, if there is one, and the command line say together."""
    return stored(read_or_refuse([config] if config else []), data=data, database=database)


def read_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store for reading only, and let `work` read; trouble with it is one line and exit status 2."""

    async def reading() -> T:
        store = await open_store(database_of(settings), read_only=True)
        try:
            return await work(store)
        finally:
            await store.close()

    with told():
        return asyncio.run(reading())
