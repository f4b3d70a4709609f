"""What waits to be written, in bounded memory. No I/O.

Raw results may be dropped, the oldest first, and are counted. What was dropped leaves a gap, with the reason, and its
five minutes are counted anew from what is stored: no roll-up claims results that nobody can find.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup
from milkrun.core.state import StateChange
from milkrun.monitor.pending import Pending
from milkrun.store.protocol import Batch, Gap

RESULTS_LIMIT = 100_000
# Changes of state that wait to be told: they are news, and old news is in the incidents.
CHANGES_LIMIT = 10_000


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Raw results that were dropped: the slots of the first and the last (epoch ms), and how many."""

    first: int
    last: int
    count: int = 1

    def gap(self) -> Gap:
        """The loss as a reader of history meets it."""
        text = f"{self.count} result{'' if self.count == 1 else 's'} could not be stored"
        return Gap(began=self.first, ended=self.last + 1, reason=text)


class Flush(msgspec.Struct, frozen=True):
    """One transaction: what is in it, what of it nobody has been shown yet, and the loss that it tells of."""

    results: tuple[Result, ...]
    late: tuple[Result, ...]
    pending: Pending
    recount: frozenset[int]
    loss: Loss | None
    unseen: tuple[Result, ...]
    changes: tuple[StateChange, ...]

    def batch(self) -> Batch:
        """As the store takes it."""
        pending, gaps = self.pending, list(self.pending.gaps.values())
        return Batch(
            results=self.results,
            late=self.late,
            states=pending.states,
            incidents=list(pending.incidents.values()),
            entries=list(pending.entries.values()),
            exhibits=list(pending.exhibits.values()),
            rollups=list(pending.rollups.values()),
            recount=sorted(self.recount),
            gaps=gaps if self.loss is None else [*gaps, self.loss.gap()],
            firings=pending.firings,
            messages=list(pending.messages.values()),
            withdrawn=list(pending.withdrawn),
        )


class Backlog:
    """Results are *unseen* until someone was told of them and *seen* when they only wait for the store."""

    def __init__(self, *, limit: int = RESULTS_LIMIT) -> None:
        self.dropped = 0
        self.unseen: list[Result] = []
        self.pending = Pending()
        self._limit = limit
        self._seen: deque[Result] = deque()
        self._late: deque[Result] = deque()
        self._changes: deque[StateChange] = deque(maxlen=CHANGES_LIMIT)
        self._loss: Loss | None = None
        self._short: set[int] = set()
        self._recount: set[int] = set()

    def __len__(self) -> int:
        """How many results are held."""
        return len(self._seen) + len(self.unseen) + len(self._late)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.unseen or self._seen or self._late or self._recount or self.pending)

    def keep_late(self, result: Result) -> None:
        """Keep a result whose five minutes are closed. It is shown when it is stored."""
        self._late.append(result)

    def keep_change(self, change: StateChange) -> None:
        """Keep a change of state, to be told once it is committed."""
        self._changes.append(change)

    def keep_rollups(self, rollups: Iterable[Rollup], recount: Iterable[int]) -> None:
        """Keep five minutes that closed, and the starts of those that are to be counted anew from what is stored."""
        for rollup in rollups:
            self.pending.rollup(rollup)
        self._recount.update(recount)

    def shortened(self) -> list[int]:
        """Starts of five minutes (epoch ms) that have lost results since this was last asked."""
        starts = sorted(self._short)
        self._short.clear()
        return starts

    def show(self) -> tuple[Result, ...]:
        """The results nobody has been shown yet; they go on waiting for the store."""
        shown = tuple(self.unseen)
        self._seen.extend(shown)
        self.unseen = []
        self._drop()
        return shown

    def take(self) -> Flush:
        """Everything there is; the backlog is empty afterwards."""
        flush = Flush(
            results=(*self._seen, *self.unseen),
            late=tuple(self._late),
            pending=self.pending,
            recount=frozenset(self._recount),
            loss=self._loss,
            unseen=tuple(self.unseen),
            changes=tuple(self._changes),
        )
        self.unseen, self.pending, self._loss = [], Pending(), None
        for taken in (self._seen, self._late, self._changes, self._recount):
            taken.clear()
        return flush

    def put_back(self, flush: Flush) -> None:
        """Hold a flush that was not committed, under whatever has come since."""
        waited = len(flush.results) - len(flush.unseen)
        self._seen.extendleft(reversed(flush.results[:waited]))
        self.unseen[:0] = flush.unseen
        self._late.extendleft(reversed(flush.late))
        self._changes = deque([*flush.changes, *self._changes], maxlen=CHANGES_LIMIT)
        self.pending = flush.pending.followed_by(self.pending)
        self._recount |= flush.recount
        self._loss = flush.loss

    def _drop(self) -> None:
        while len(self) > self._limit and (self._seen or self._late):
            self.dropped += 1
            if self._seen:
                self._lose(self._seen.popleft().slot)
            else:  # their five minutes were written without them
                self._late.popleft()

    def _lose(self, slot: int) -> None:
        lost = self._loss
        if lost is None:
            self._loss = Loss(first=slot, last=slot)
        else:
            self._loss = Loss(first=min(slot, lost.first), last=max(slot, lost.last), count=lost.count + 1)
        start = Period.FIVE_MINUTES.begin(slot)
        if start not in self._short:
            self._short.add(start)
            kept = self.pending.rollups
            self.pending.rollups = {key: rollup for key, rollup in kept.items() if rollup.start != start}
