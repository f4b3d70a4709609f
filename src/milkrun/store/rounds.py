"""How a job that goes through all endpoints of a period is done in bites, while new results go on being written.

A reader reads a bite and works it out; the writer, one small transaction at a time, writes what came of it. What was
touched in between (a late result was written) is not written but read again in another bite. So nothing is lost or
counted twice, however often a round breaks off and begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection

from milkrun.store.progress import Mark, move, reached

# A flush's rows, by slot; each begins with its slot and endpoint.
Written = Sequence[tuple[Any, ...]]


class Job(Protocol):
    """What is done with each endpoint of a period of `length` ms, `bite` endpoints at a time; `mark` says how far."""

    mark: Mark
    length: int
    bite: int

    def next_start(self, connection: Connection, now: int, done: int) -> int | None:
        """The beginning of the first period from `done` on that there is something of and that is over."""

    def endpoints(self, connection: Connection, start: int) -> list[int]:
        """Which endpoints there are in that period, those next to each other that are best read together."""

    def work(self, connection: Connection, start: int, endpoints: Sequence[int]) -> dict[int, Any]:
        """Read these endpoints' share and work it out."""

    def put(self, connection: Connection, start: int, work: Mapping[int, Any]) -> None:
        """Write what was worked out of these endpoints."""


class Round:
    """One job, period after period. `read` is for a reader's thread, the rest for the writer's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = 0
        self._start = 0
        self._under_way = False
        self._surveyed = False
        self._waiting: dict[int, None] = {}  # in order
        self._touched: set[int] = set()
        self._bite: list[int] = []

    def is_due(self, connection: Connection, now: int) -> bool:
        """Whether a period is under way, or one is over that is not done yet; its next bite is prepared."""
        done = reached(connection, self._job.mark)
        if not self._under_way or done != self._done:  # somebody set the mark back: begin anew
            self._begin(done, self._job.next_start(connection, now, done))
        self._touched.clear()
        self._bite = list(islice(self._waiting, self._job.bite))
        return self._under_way

    def read(self, connection: Connection) -> Any:
        """The endpoints of the period at first, then what a bite of them comes to."""
        if not self._surveyed:
            return self._job.endpoints(connection, self._start)
        return self._job.work(connection, self._start, self._bite)

    def write(self, connection: Connection, found: Any) -> None:
        """Write what was not touched meanwhile; with the last of them the period is done."""
        if not self._under_way:
            self._bite = []  # interrupted since it was read
            return
        if not self._surveyed:
            self._waiting = dict.fromkeys(found) | self._waiting
            self._bite = []
        else:
            self._bite = [endpoint for endpoint in self._bite if endpoint not in self._touched]
            self._job.put(connection, self._start, {endpoint: found[endpoint] for endpoint in self._bite})
        if self._waiting.keys() <= set(self._bite):
            move(connection, self._job.mark, self._start + self._job.length)

    def settle(self) -> None:
        """The bite was committed."""
        self._surveyed = True
        for endpoint in self._bite:
            del self._waiting[endpoint]
        self._under_way = self._under_way and bool(self._waiting)

    def touch(self, written: Written) -> None:
        """A flush wrote these: what was read of them may be old."""
        if not self._under_way or not written or written[0][0] >= self._start + self._job.length:
            return
        if any(self._jumped_over(row[0]) for row in written):
            self._under_way = False
        touched = {row[1] for row in written if self._has(row[0])}
        self._touched |= touched
        self._waiting |= dict.fromkeys(touched)

    def interrupt(self, times: Iterable[int]) -> None:
        """Roll-ups of these times were written: begin anew if one is in the period under way, or was jumped over."""
        self._under_way = self._under_way and not any(self._has(time) or self._jumped_over(time) for time in times)

    def _has(self, time: int) -> bool:
        return self._start <= time < self._start + self._job.length

    def _jumped_over(self, time: int) -> bool:
        """Whether it is in a period that had nothing in it when a later one was begun: the mark would pass it by."""
        return self._done <= time < self._start

    def _begin(self, done: int, start: int | None) -> None:
        self._done, self._start, self._under_way = done, start or 0, start is not None
        self._surveyed = False
        self._waiting, self._bite = {}, []
