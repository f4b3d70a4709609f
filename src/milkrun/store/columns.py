"""Results as columns, in the order of slot, endpoint, location and attempt: how they are packed and read.

A day has thousands of rows. What is done a column at a time costs half of what it costs a row at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

from milkrun.core.observation import Http, Timings
from milkrun.core.result import Result
from milkrun.store.facts import Remarks, Scene, all_true, conditions_of
from milkrun.store.rows import RARE, Row, decode_rare

# A row of columns: its first four values are its identity.
Line = tuple[Any, ...]

_NOTHING = Remarks()
_USUAL = (0, 0, 0, 0, None)


class Columns(NamedTuple):
    """One sequence a column, all of one length. `remarks` is 0 where none are shared, `aside` those written out."""

    slot: Sequence[int]
    endpoint: Sequence[int]
    location: Sequence[int]
    attempt: Sequence[int]
    scene: Sequence[int]
    size: Sequence[int]
    delay: Sequence[int]
    lag: Sequence[int]
    queue: Sequence[int]
    send: Sequence[int]
    wait: Sequence[int]
    receive: Sequence[int]
    rest: Sequence[int]
    dns: Sequence[int]
    connect: Sequence[int]
    tls: Sequence[int]
    remarks: Sequence[int]
    aside: Sequence[str | None]

    def lines(self) -> list[Line]:
        """The rows."""
        return list(zip(*self, strict=True))

    def part(self, start: int | None, end: int | None) -> "Columns":
        """Some of the rows, as a slice names them."""
        return Columns._make([column[start:end] for column in self])

    def total(self) -> list[int]:
        """Microseconds of everything but `queue`."""
        total: Iterable[int] = self.send
        for phase in (self.wait, self.receive, self.rest, self.dns, self.connect, self.tls):
            total = map(add, total, phase)
        return list(total)


EMPTY = Columns(*[()] * len(Columns._fields))


def line_of(row: Row) -> Line:
    """A row of the `result` table with what is rare spread out."""
    rare = row[RARE]
    if rare is None:
        return (*row[:RARE], *_USUAL)
    found = decode_rare(rare)
    return (*row[:RARE], found.dns, found.connect, found.tls, found.remarks, found.aside)


def columns_of(lines: Sequence[Line]) -> Columns:
    """Lines as columns."""
    return Columns(*zip(*lines, strict=True)) if lines else EMPTY


def merged(lines: Iterable[Line], more: Iterable[Line]) -> list[Line]:
    """Both in order; of two with one identity that of `lines` stands."""
    known = {line[:4]: line for line in more}
    known.update((line[:4], line) for line in lines)
    return [known[identity] for identity in sorted(known)]


def within(columns: Columns, since: int, until: int) -> Columns:
    """The rows with slots from `since` to below `until`."""
    slots = columns.slot
    if not slots or (since <= slots[0] and slots[-1] < until):
        return columns
    start = next((place for place, slot in enumerate(slots) if slot >= since), len(slots))
    end = next((place for place, slot in enumerate(slots) if slot >= until), len(slots))
    return columns.part(start, end)


def results_of(
    columns: Columns, scenes: Mapping[int, Scene], remarks: Mapping[int, Remarks], locations: Mapping[int, str]
) -> list[Result]:
    """The Results; whatever the columns refer to is in the mappings."""
    usual = {identity: all_true(scene.conditions) for identity, scene in scenes.items()}
    return [
        Result(
            endpoint=endpoint,
            revision=scene.revision,
            location=locations[location],
            slot=slot,
            attempt=attempt,
            trigger=scene.trigger,
            started=started,
            outcome=scene.outcome,
            timings=timings,
            connection=scene.connection,
            stale_retry=scene.stale_retry,
            peer=scene.peer,
            lag_ms=lag,
            warnings=note.warnings,
            http=http,
            tls=scene.tls,
            conditions=conditions_of(scene, note) if note.shown else usual[identity],
            failure=note.failure,
            maintenance=scene.maintenance,
        )
        for slot, endpoint, location, attempt, identity, scene, started, timings, lag, http, note in zip(
            *columns[:5],
            [scenes[identity] for identity in columns.scene],
            [(slot * 1_000 + delay) / 1e6 for slot, delay in zip(columns.slot, columns.delay, strict=True)],
            _timings(columns),
            [lag / 1e3 for lag in columns.lag],
            _answers(columns, scenes),
            _notes(columns, remarks),
            strict=True,
        )
    ]


def _timings(columns: Columns) -> list[Timings]:
    phases = (
        columns.queue,
        columns.dns,
        columns.connect,
        columns.tls,
        columns.send,
        columns.wait,
        columns.receive,
        columns.total(),
    )
    return [
        Timings(queue=queue, dns=dns, connect=connect, tls=tls, send=send, wait=wait, receive=receive, total=total)
        for queue, dns, connect, tls, send, wait, receive, total in zip(*map(_seconds, phases), strict=True)
    ]


def _seconds(microseconds: Sequence[int]) -> Iterable[float]:
    # Phases that no warm check has are 0 in all rows.
    return [value / 1e6 for value in microseconds] if any(microseconds) else repeat(0.0, len(microseconds))


def _answers(columns: Columns, scenes: Mapping[int, Scene]) -> list[Http | None]:
    kinds = set(zip(columns.scene, columns.size, strict=True))
    made = {(scene, size): scenes[scene].answer(size) for scene, size in kinds}
    return [made[kind] for kind in zip(columns.scene, columns.size, strict=True)]


def _notes(columns: Columns, remarks: Mapping[int, Remarks]) -> Iterable[Remarks]:
    if not any(columns.remarks) and not any(columns.aside):
        return repeat(_NOTHING, len(columns.slot))
    notes = [remarks.get(shared, _NOTHING) for shared in columns.remarks]
    for place, aside in enumerate(columns.aside):
        if aside is not None:
            notes[place] = Remarks.written(aside)
    return notes
