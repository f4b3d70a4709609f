"""The Store on SQLite: synchronous inside, in threads of its own; its verbs may be awaited on any event loop."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import Tally
from milkrun.store.dialect import open_engine, translated
from milkrun.store.directory import DirectoryLock
from milkrun.store.migrate import migrate
from milkrun.store.protocol import Batch, Gap, Page, Pruned, Storage, StoreError, StoreUnavailableError
from milkrun.store.reader import Reader
from milkrun.store.writer import Writer

T = TypeVar("T")

# A page asks for little at a time; a second reader keeps a long search from holding up the rest.
READERS = 2


async def open_sqlite(path: Path, *, patience: float = 2.0) -> "SqliteStore":
    """Open the database file, making it and its directory when missing and bringing its tables up to date.

    `patience` is how many seconds a verb waits for another program's lock on the file before it fails.

    Raises:
        StoreError: it cannot be used; the message names the path and says what to do.
    """
    writing = ThreadPoolExecutor(1, "store-writer")
    try:
        opened = await asyncio.get_running_loop().run_in_executor(writing, _Opened, path, patience)
    except BaseException:
        writing.shutdown(wait=False)
        raise
    return SqliteStore(opened, writing)


class _Opened:
    """What an open database holds. Made and closed in the writer's thread."""

    def __init__(self, path: Path, patience: float) -> None:
        self._lock = DirectoryLock(path)
        # IMMEDIATE: a transaction that will write asks for the lock at once, when waiting for it can still help.
        self._write_engine = open_engine(path, begin="BEGIN IMMEDIATE", connections=1, patience=patience)
        self._read_engine = open_engine(path, begin="BEGIN", connections=READERS, patience=patience)
        try:
            with translated(path):
                self._connection = self._write_engine.connect()
                migrate(self._connection, path)
            self.writer = Writer(self._connection, path)
        except BaseException:
            self._release()
            raise
        self.reader = Reader(self._read_engine, path)

    def close(self) -> None:
        """Empty the log and let go of everything. A log that finds no room stays: the next start reads it."""
        self._read_engine.dispose()
        try:
            with suppress(StoreUnavailableError):
                self.writer.checkpoint(patience=1.0)
            self._connection.close()
        finally:
            self._release()

    def _release(self) -> None:
        self._write_engine.dispose()
        self._lock.release()


class SqliteStore:
    """A Store; see the protocol. A verb whose caller is cancelled still happens whole or not at all."""

    def __init__(self, opened: _Opened, writing: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._writing = writing
        self._reading = ThreadPoolExecutor(READERS, "store-reader")

    async def register(self, endpoints: Sequence[Endpoint]) -> list[Registered]:
        """Give each endpoint its id and revision."""
        return await self._run(self._writing, partial(self._opened.writer.register, endpoints))

    async def states(self) -> dict[int, EndpointState]:
        """Each known endpoint's last committed state."""
        return await self._run(self._reading, self._opened.reader.states)

    async def write(self, batch: Batch) -> None:
        """Commit one flush."""
        await self._run(self._writing, partial(self._opened.writer.write, batch))

    async def recent(self, *, per_endpoint: int, since: int) -> dict[int, list[Result]]:
        """The last results of every endpoint, oldest first."""
        return await self._run(self._reading, partial(self._opened.reader.recent, per_endpoint, since))

    async def results(self, endpoint: int, *, limit: int, before: int | None = None) -> list[Result]:
        """One endpoint's results, newest first."""
        return await self._run(self._reading, partial(self._opened.reader.results, endpoint, limit, before))

    async def tallies(self, *, since: int, endpoint: int | None = None) -> list[Tally]:
        """Hours, oldest first."""
        return await self._run(self._reading, partial(self._opened.reader.tallies, since, endpoint))

    async def tally(self, *, since: int) -> list[Tally]:
        """Count the raw results by endpoint and hour."""
        return await self._run(self._reading, partial(self._opened.reader.tally, since))

    async def incidents(
        self,
        *,
        endpoint: int | None = None,
        open_only: bool = False,
        states: Iterable[Outcome] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """Incidents, newest first."""
        wanted = None if states is None else tuple(states)
        question = partial(self._opened.reader.incidents, endpoint, open_only, wanted, limit, offset)
        return await self._run(self._reading, question)

    async def gaps(self, *, since: int) -> list[Gap]:
        """Gaps, oldest first."""
        return await self._run(self._reading, partial(self._opened.reader.gaps, since))

    async def storage(self) -> Storage:
        """Sizes and range."""
        return await self._run(self._reading, self._opened.reader.storage)

    async def prune(self, *, before: int, max_bytes: int) -> Pruned:
        """Remove one bite."""
        return await self._run(self._writing, partial(self._opened.writer.prune, before, max_bytes))

    async def close(self) -> None:
        """Finish what is queued, checkpoint and close."""
        await self._run(self._writing, self._finish)
        self._writing.shutdown(wait=False)

    def _finish(self) -> None:
        self._reading.shutdown(wait=True)
        self._opened.close()

    async def _run(self, threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(threads, job)
        except RuntimeError as error:
            raise StoreError("the store is closed") from error
        return await running
