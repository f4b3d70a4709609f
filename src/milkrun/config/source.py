"""The EndpointSource seam: the monitor learns of endpoints only as changes, whoever they come from."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from milkrun.config.kind import ChannelReaders, Kinds
from milkrun.config.load import load
from milkrun.config.settings import Settings
from milkrun.core.endpoint import Endpoint


class EndpointChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the endpoints since the last changes; `removed` are keys. Endpoints not named stay untouched."""

    added: tuple[Endpoint, ...] = ()
    changed: tuple[Endpoint, ...] = ()
    removed: tuple[str, ...] = ()


class EndpointSource(Protocol):
    """Where endpoints come from."""

    def changes(self) -> AsyncIterator[EndpointChanges]:
        """All endpoints as the first changes, even if there are none; then every change, until the source closes.

        For one consumer. What changes while it is busy reaches it as one set of changes.
        """

    def close(self) -> None:
        """End `changes`."""


class MemorySource:
    """Endpoints given by a program, and the ground that other sources stand on."""

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        self._wanted = _by_key(endpoints)
        self._closed = False
        self._news = asyncio.Event()

    def replace(self, endpoints: Iterable[Endpoint]) -> None:
        """From now on there are exactly these."""
        self._wanted = _by_key(endpoints)
        self._news.set()

    async def changes(self) -> AsyncIterator[EndpointChanges]:
        """See EndpointSource."""
        told = self._wanted
        yield EndpointChanges(added=tuple(told.values()))
        while True:
            await self._news.wait()
            if self._closed:
                return
            self._news.clear()
            before, told = told, self._wanted
            changes = difference(before, told)
            if changes != EndpointChanges():
                yield changes

    def close(self) -> None:
        """See EndpointSource."""
        self._closed = True
        self._news.set()


class FileSource:
    """The endpoints of configuration files, read again on demand."""

    def __init__(
        self,
        settings: Settings,
        paths: Sequence[Path],
        kinds: Kinds,
        channels: ChannelReaders,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self._paths = paths
        self._kinds = kinds
        self._channels = channels
        self._environ = environ
        self._endpoints = MemorySource(settings.endpoints)

    async def reload(self) -> Settings:
        """Read the files again, in a thread, and tell what changed.

        Raises ConfigError where they cannot be used; then everything stays as it was.
        """
        self.settings = await asyncio.to_thread(load, self._paths, self._kinds, self._channels, self._environ)
        self._endpoints.replace(self.settings.endpoints)
        return self.settings

    def changes(self) -> AsyncIterator[EndpointChanges]:
        """See EndpointSource."""
        return self._endpoints.changes()

    def close(self) -> None:
        """See EndpointSource."""
        self._endpoints.close()


def difference(before: Mapping[str, Endpoint], after: Mapping[str, Endpoint]) -> EndpointChanges:
    """What turns `before` into `after`, both by key."""
    return EndpointChanges(
        added=tuple([endpoint for key, endpoint in after.items() if key not in before]),
        changed=tuple([endpoint for key, endpoint in after.items() if before.get(key, endpoint) != endpoint]),
        removed=tuple([key for key in before if key not in after]),
    )


def _by_key(endpoints: Iterable[Endpoint]) -> dict[str, Endpoint]:
    return {endpoint.key: endpoint for endpoint in endpoints}
