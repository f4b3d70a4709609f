"""The read model of the pages: where every endpoint stands, on the web loop, fed by the live hub.

One task runs `follow`: it takes the hub's snapshot, adds history from the store, and then applies events as they
come. Handlers only read. `sequence` goes up with every event, and an entry carries the number of its last change,
so that a page's stream finds what to send by comparing, without work for each result.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from milkrun.clock import Clock, SystemClock
from milkrun.core.endpoint import Registered
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally, newest
from milkrun.monitor.live import Committed, EndpointsChanged, Event, Live, Lost, Subscription, Vitals
from milkrun.store.protocol import Store, StoreError
from milkrun.web import words
from milkrun.web.entry import DAY, KEPT, Entry
from milkrun.web.listing import Members, by_name
from milkrun.web.minutes import Minutes

log = structlog.get_logger()

# A start asks the store for this many results at most, shared by all endpoints but never fewer than a row shows.
SEED_RESULTS = 100_000
SEED_LEAST = 30
BACKLOG = 200  # events a stream may be behind before it is told that it lost some


class Watcher:
    """One stream's events, in order; the oldest are dropped, and counted, when it falls behind."""

    def __init__(self) -> None:
        self.events: deque[Committed] = deque()
        self.lost = 0
        self.woken = asyncio.Event()

    def offer(self, event: Committed) -> None:
        """Add one event; never blocks."""
        if len(self.events) >= BACKLOG:
            self.events.popleft()
            self.lost += 1
        self.events.append(event)
        self.woken.set()

    def take(self) -> tuple[list[Committed], int]:
        """Take everything that waits, and how many events were lost before it."""
        events, lost = list(self.events), self.lost
        self.events.clear()
        self.lost = 0
        self.woken.clear()
        return events, lost


class Board:
    """Every endpoint by id and by key, counts by state, and how Milkrun itself is doing."""

    def __init__(self, store: Store, live: Live, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.entries: dict[int, Entry] = {}
        self.keys: dict[str, Entry] = {}
        self.counts: Counter[Outcome] = Counter()
        self.groups: dict[str, Counter[Outcome]] = {}
        self.sequence = 0
        self.members: Members = {}
        self.vitals: Vitals | None = None
        self.stored = True
        self.incidents = 0  # goes up with every change of an incident
        self.minutes = Minutes()
        self.ready = asyncio.Event()
        self._store = store
        self._live = live
        self._watchers: set[Watcher] = set()

    async def follow(self) -> None:
        """Follow the live hub until it closes."""
        with self._live.subscribe() as subscription:
            await self._start(subscription)
            async for event in subscription:
                if isinstance(event, Lost):
                    log.warning("the pages fell behind and start from a new snapshot", events=event.events)
                    await self._start(subscription)
                else:
                    self.apply(event)

    async def _start(self, subscription: Subscription) -> None:
        snapshot = subscription.snapshot()
        gone = tuple(self.entries.keys() - {registered.id for registered in snapshot.registered})
        self.apply(EndpointsChanged(registered=snapshot.registered, removed=gone))
        self._settle(snapshot.states)
        if snapshot.vitals is not None:
            self.apply(snapshot.vitals)
        self.ready.set()
        await self._load_history()

    async def _load_history(self) -> None:
        """Add what the store remembers; without it the pages still show all that comes from now on."""
        if not self.entries:
            return
        now = int(self.clock.wall() * 1_000)
        share = min(KEPT, max(SEED_LEAST, SEED_RESULTS // len(self.entries)))
        try:
            tallies = await self._store.tallies(since=now - DAY * HOUR)
            recent = await self._store.recent(per_endpoint=share, since=now - DAY * HOUR)
        except StoreError as err:
            log.warning("the pages start without history", reason=str(err))
            return
        self.load(tallies, recent)

    def load(self, tallies: list[Tally], recent: Mapping[int, list[Result]]) -> None:
        """Put history under what is known: the day's counts, then the shape of recent results."""
        self.sequence += 1
        by_endpoint: dict[int, list[Tally]] = {}
        for tally in tallies:
            by_endpoint.setdefault(tally.endpoint, []).append(tally)
        for entry in self.entries.values():
            entry.load_day(newest(by_endpoint.get(entry.id, ()), entry.day()))
            entry.restart(recent.get(entry.id, ()))
            entry.changed = self.sequence

    def apply(self, event: Event) -> None:
        """Take one event."""
        self.sequence += 1
        match event:
            case Committed():
                self._apply_committed(event)
            case EndpointsChanged():
                self._apply_endpoints(event)
            case Vitals():
                self.vitals = event
                self.minutes.add(event)

    def _apply_committed(self, event: Committed) -> None:
        entries, sequence = self.entries, self.sequence
        for result in event.results:
            entry = entries.get(result.endpoint)
            if entry is not None:
                entry.push(result, sequence)
        self.stored = event.stored
        self._settle(event.states)
        for watcher in self._watchers:
            watcher.offer(event)

    def _settle(self, states: Mapping[int, EndpointState]) -> None:
        for endpoint, state in states.items():
            entry = self.entries.get(endpoint)
            if entry is None:
                continue
            if state.incident != entry.state.incident:
                self.incidents += 1
            if state.state is not entry.state.state:
                self._count(entry, -1)
                entry.settle(state)
                self._count(entry, 1)
            entry.settle(state)
            entry.changed = self.sequence

    def _count(self, entry: Entry, by: int) -> None:
        state, group = entry.state.state, entry.endpoint.group
        self.counts[state] += by
        self.groups.setdefault(group, Counter())[state] += by

    def _apply_endpoints(self, event: EndpointsChanged) -> None:
        for registered in event.registered:
            self._add(registered)
        for endpoint in event.removed:
            gone = self.entries.pop(endpoint, None)
            if gone is not None:
                self._count(gone, -1)
        self.keys = {entry.endpoint.key: entry for entry in self.entries.values()}
        self.members = by_name(self.entries.values())

    def _add(self, registered: Registered) -> None:
        entry = self.entries.get(registered.id)
        if entry is None:
            entry = self.entries[registered.id] = Entry(registered)
            self._count(entry, 1)
        elif entry.endpoint != registered.endpoint or entry.revision != registered.revision:
            self._count(entry, -1)
            entry.describe(registered)
            self._count(entry, 1)
        entry.changed = self.sequence

    def overall(self) -> str:
        """One sentence on everything."""
        return words.overall(self.counts)

    def title(self) -> str:
        """The same for a browser's tab, which has room for the worst only."""
        return words.title(self.counts)

    def storage_trouble(self) -> str | None:
        """One line on what is wrong with storing, None while all is well."""
        storage = self.vitals.storage if self.vitals else {}
        error, dropped = storage.get("error"), storage.get("dropped_total", 0)
        if error:
            return f"Results are not being stored: {error}. Checks go on; {dropped:,} results were dropped so far."
        if dropped:
            return f"{dropped:,} results were dropped because they could not be stored. Storing works again."
        return None

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Follow every committed event from now on."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
