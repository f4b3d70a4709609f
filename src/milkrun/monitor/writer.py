"""One writer, one transaction a flush: every second at most, and at once when there is news.

Changes are committed before anyone is told of them. While the store fails, checks go on and their results are shown as
not stored; what is held has a bound.
"""

import asyncio

import structlog

from milkrun.clock import Clock
from milkrun.monitor.backlog import Backlog, Flush
from milkrun.monitor.live import Committed, Live
from milkrun.monitor.open_rollups import CLOSE_EVERY_MS, OpenRollups
from milkrun.store.protocol import Store, StoreError

log = structlog.get_logger(__name__)

# With what a commit takes, a kill loses a second of raw results at most.
FLUSH_EVERY = 0.85
# A state change waits so long for others: fifty endpoints that go down together are one transaction.
GATHER = 0.02
FIRST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 30.0


class Writer:
    """Writes the backlog. `error` is why the store fails now, one line, else None."""

    def __init__(self, *, clock: Clock, store: Store, live: Live, rollups: OpenRollups, backlog: Backlog) -> None:
        self.error: str | None = None
        self._clock = clock
        self._store = store
        self._live = live
        self._rollups = rollups
        self._backlog = backlog
        self._wanted = asyncio.Event()
        self._stopping = False
        self._back_off = FIRST_BACK_OFF
        self._retry_at = clock.now()

    def hurry(self) -> None:
        """There is news: flush at once."""
        self._wanted.set()

    async def run(self) -> None:
        """Write what comes until `stop`, and then the rest, open roll-ups included."""
        async with asyncio.TaskGroup() as group:
            aside = [
                group.create_task(self._pulse(), name="flush every second"),
                group.create_task(self._hand_out(), name="hand out roll-ups"),
            ]
            while not self._stopping:
                await self._wanted.wait()
                await self._clock.sleep_until(self._clock.now() + GATHER)
                self._wanted.clear()
                await self._flush()
            for task in aside:
                task.cancel()
        self._backlog.keep_rollups(self._rollups.all(), self._rollups.recount())
        await self._write()
        if self.error is not None:
            log.error("results lost at stop", results=len(self._backlog), reason=self.error)

    def stop(self) -> None:
        """End `run` after a last flush; nothing may be added after."""
        self._stopping = True
        self._wanted.set()

    def vitals(self) -> dict[str, object]:
        """How storing goes: results held, results dropped, and why it fails."""
        return {"pending": len(self._backlog), "dropped_total": self._backlog.dropped, "error": self.error}

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + FLUSH_EVERY)
            if self._backlog:
                self._wanted.set()

    async def _hand_out(self) -> None:
        while True:
            closed = self._rollups.close(int(self._clock.wall() * 1_000))
            self._backlog.keep_rollups(closed, self._rollups.recount())
            await self._clock.sleep_until(self._clock.now() + CLOSE_EVERY_MS / 1_000)

    async def _flush(self) -> None:
        if self._clock.now() >= self._retry_at:
            await self._write()
        else:
            self._show()

    async def _write(self) -> None:
        flush = self._backlog.take()
        try:
            await self._store.write(flush.batch())
        except StoreError as err:
            self._backlog.put_back(flush)
            self._fail(str(err))
            self._show()
        else:
            self._succeed(flush)

    def _succeed(self, flush: Flush) -> None:
        if self.error is not None:
            log.warning("storing again", dropped_total=self._backlog.dropped)
        self.error = None
        self._back_off = FIRST_BACK_OFF
        results, states = flush.unseen + flush.late, flush.pending.states
        if results or states or flush.changes:
            self._live.publish(Committed(results=results, states=states, changes=flush.changes, stored=True))

    def _fail(self, reason: str) -> None:
        if self.error is None:
            log.error("nothing can be stored; checks go on", reason=reason)
        self.error = reason
        self._retry_at = self._clock.now() + self._back_off
        self._back_off = min(self._back_off * 2, LONGEST_BACK_OFF)

    def _show(self) -> None:
        results = self._backlog.show()
        for start in self._backlog.shortened():
            self._rollups.forget(start)
        if results:
            self._live.publish(Committed(results=results, states={}, changes=(), stored=False))
