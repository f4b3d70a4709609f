"""A store's threads: one that writes, some that read; what is asked of them may be awaited on any event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from milkrun.store.database import READERS, Database
from milkrun.store.migrate import check, migrate
from milkrun.store.protocol import StoreError, StoreUnavailableError
from milkrun.store.reader import Reader
from milkrun.store.writer import Writer

T = TypeVar("T")


class Opened:
    """What an open database holds. Made and closed in the writer's thread."""

    def __init__(self, open_database: Callable[[], Database], *, read_only: bool) -> None:
        self.database = open_database()
        self._writer: Writer | None = None
        try:
            with self.database.translated():
                self._begin(read_only)
        except BaseException:
            self.database.release()
            raise
        self.reader = Reader(self.database)

    @property
    def writer(self) -> Writer:
        """The side that writes, for the writer's thread."""
        if self._writer is None:
            raise StoreError(f"{self.database.name} is open for reading only")
        return self._writer

    def _begin(self, read_only: bool) -> None:
        if read_only:
            with self.database.reading.connect() as connection:
                check(connection, self.database.name, older=False)
            return
        connection = self.database.writing.connect()
        try:
            migrate(connection, self.database.name)
            self._writer = Writer(connection, self.database)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Empty the log and let go of everything. A log that finds no room stays: the next start reads it."""
        self.database.reading.dispose()
        try:
            if self._writer is not None:
                with suppress(StoreUnavailableError):
                    self._writer.settle(patience=1.0)
                self._writer.close()
        finally:
            self.database.release()


class Threads:
    """Runs each job whole in a thread, even where its caller is cancelled meanwhile."""

    def __init__(self, opened: Opened, writing: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._writing = writing
        self._reading = ThreadPoolExecutor(READERS, "store-reader")
        self._spent = 0.0

    async def close(self) -> None:
        """Finish what is queued, checkpoint and close."""
        await self._run(self._writing, self._finish)
        self._writing.shutdown(wait=False)

    def _finish(self) -> None:
        self._reading.shutdown(wait=True)
        self._opened.close()

    async def _change(self, job: Callable[[Connection], T]) -> T:
        """Run a job in a transaction of the writer's."""
        return await self._write(lambda writer: writer.change(job))

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        """Run a question in a transaction of a reader's."""
        return await self._read(lambda reader: reader.ask(question))

    async def _write(self, job: Callable[[Writer], T]) -> T:
        return await self._run(self._writing, partial(self._accounted, job))

    def _accounted(self, job: Callable[[Writer], T]) -> T:
        """Run a job of the writer's, and add up the processor's time that it took."""
        began = time.thread_time()
        try:
            return job(self._opened.writer)
        finally:
            self._spent += time.thread_time() - began

    async def _read(self, job: Callable[[Reader], T]) -> T:
        return await self._run(self._reading, partial(job, self._opened.reader))

    async def _run(self, threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(threads, job)
        except RuntimeError as error:
            raise StoreError("the store is closed") from error
        return await running
