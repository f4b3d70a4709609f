"""The one way through: Result -> state -> queue -> one writer -> one transaction a flush -> Live.

A flush happens every second at most, and at once when a state changed. Changes are committed before anyone is told of
them. While the store fails, checks go on and their results are shown as not stored; what is held has a bound.
"""

import asyncio
from collections.abc import Mapping

import msgspec
import structlog

from milkrun.clock import Clock
from milkrun.core.endpoint import Registered
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, StateChange, advance
from milkrun.monitor.backlog import Backlog, Flush
from milkrun.monitor.live import Committed, Live
from milkrun.monitor.tallies import OpenTallies
from milkrun.store.protocol import Gap, Store, StoreError

log = structlog.get_logger(__name__)

FLUSH_EVERY = 1.0
# A state change waits so long for others: fifty endpoints that go down together are one transaction.
GATHER = 0.02
LONGEST_BACK_OFF = 30.0

_NEW = EndpointState()


class Pipeline:
    """The recorder of results, and the only writer. `error` is why the store fails now, one line, else None."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        live: Live,
        states: Mapping[int, EndpointState],
        tallies: OpenTallies,
        backlog: Backlog,
    ) -> None:
        self.error: str | None = None
        self._clock = clock
        self._store = store
        self._live = live
        self._states = dict(states)
        self._tallies = tallies
        self._backlog = backlog
        self._wanted = asyncio.Event()
        self._stopping = False
        self._back_off = FLUSH_EVERY
        self._retry_at = clock.now()

    def add(self, result: Result) -> None:
        """Keep a result that moves no streak."""
        self._backlog.unseen.append(result)

    def skip(self, result: Result) -> None:
        """Keep a slot that was not checked: it moves no streak, but it is an outcome of the hour."""
        self._backlog.unseen.append(result)
        self._tallies.count(result)

    def settle(self, registered: Registered, result: Result) -> None:
        """Keep a result that counts, and move the endpoint's state on by it."""
        self._backlog.unseen.append(result)
        self._tallies.count(result)
        before = self._states.get(registered.id, _NEW)
        after, change = advance(before, result, registered.endpoint.thresholds)
        if after is not before:
            self._move(registered.id, before, after, change)

    def gap(self, gap: Gap) -> None:
        """Keep a stretch of time in which nothing was checked."""
        self._backlog.keep_gap(gap)

    def retire(self, endpoint: int, at: int) -> None:
        """Forget a removed endpoint's streaks, and close its incident: what nobody watches is not down."""
        state = self._states.pop(endpoint, None)
        if state is None or state == _NEW:
            return
        if state.incident is not None:
            self._backlog.keep_incident(msgspec.structs.replace(state.incident, closed=at))
        self._backlog.keep_state(endpoint, _NEW)

    def vitals(self) -> dict[str, object]:
        """How storing goes: results held, results dropped, and why it fails."""
        return {"pending": len(self._backlog), "dropped_total": self._backlog.dropped, "error": self.error}

    async def run(self) -> None:
        """Write what comes until `stop`, and then the rest, open hours included."""
        async with asyncio.TaskGroup() as group:
            pulse = group.create_task(self._pulse(), name="flush every second")
            while not self._stopping:
                await self._wanted.wait()
                await self._clock.sleep_until(self._clock.now() + GATHER)
                self._wanted.clear()
                await self._flush()
            pulse.cancel()
        self._backlog.keep_tallies(self._tallies.all())
        await self._write()
        if self.error is not None:
            log.error("results lost at stop", results=len(self._backlog), reason=self.error)

    def stop(self) -> None:
        """End `run` after a last flush; nothing may be added after."""
        self._stopping = True
        self._wanted.set()

    def _move(self, endpoint: int, before: EndpointState, after: EndpointState, change: StateChange | None) -> None:
        self._states[endpoint] = after
        self._backlog.keep_state(endpoint, after)
        if after.incident is not None and after.incident is not before.incident:
            self._backlog.keep_incident(after.incident)
        if change is not None:
            if change.incident is not None:
                self._backlog.keep_incident(change.incident)
            self._backlog.keep_change(change)
            self._wanted.set()

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + FLUSH_EVERY)
            self._backlog.keep_tallies(self._tallies.close(int(self._clock.wall() * 1_000)))
            if self._backlog:
                self._wanted.set()

    async def _flush(self) -> None:
        if self._clock.now() >= self._retry_at:
            await self._write()
        else:
            self._show()

    async def _write(self) -> None:
        flush = self._backlog.take()
        try:
            await self._store.write(flush.batch)
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
        self._back_off = FLUSH_EVERY
        if flush.unseen or flush.batch.states or flush.changes:
            event = Committed(results=flush.unseen, states=flush.batch.states, changes=flush.changes, stored=True)
            self._live.publish(event)

    def _fail(self, reason: str) -> None:
        if self.error is None:
            log.error("nothing can be stored; checks go on", reason=reason)
        self.error = reason
        self._retry_at = self._clock.now() + self._back_off
        self._back_off = min(self._back_off * 2, LONGEST_BACK_OFF)

    def _show(self) -> None:
        results = self._backlog.show()
        if results:
            self._live.publish(Committed(results=results, states={}, changes=(), stored=False))
