"""Results as columns, in the order of slot, endpoint, location and attempt: how they are packed and read.

A day has thousands of rows. What is done a column at a time costs half of what it costs a row at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from msgspec.structs import replace

from milkrun.core.observation import Timings
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
        phases = (self.send, self.wait, self.receive, self.rest)
        if not any(self.connect) and not any(self.dns) and not any(self.tls):
            return [send + wait + receive + rest for send, wait, receive, rest in zip(*phases, strict=True)]
        every = zip(*phases, self.dns, self.connect, self.tls, strict=True)
        return [
            send + wait + receive + rest + dns + connect + tls for send, wait, receive, rest, dns, connect, tls in every
        ]


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
    found = _plain(_parts(columns, scenes, locations))
    for place in _unusual(columns, scenes):
        found[place] = _completed(found[place], scenes[columns.scene[place]], _note(columns, place, remarks))
    return found


def _plain(parts: Iterable[tuple[Any, ...]]) -> list[Result]:
    """The Results without what few have."""
    # Fifteen arguments: from the sixteenth on CPython makes a dictionary of them, which takes as long as the rest.
    return [
        Result(
            endpoint=endpoint,
            revision=revision,
            location=place,
            slot=slot,
            attempt=attempt,
            trigger=trigger,
            started=started,
            outcome=outcome,
            timings=timings,
            connection=connection,
            peer=peer,
            lag_ms=lag,
            http=http,
            tls=tls,
            conditions=conditions,
        )
        for (
            slot,
            endpoint,
            place,
            attempt,
            (revision, trigger, outcome, connection, peer, tls, conditions, http),
            started,
            timings,
            lag,
        ) in parts
    ]


def _parts(columns: Columns, scenes: Mapping[int, Scene], locations: Mapping[int, str]) -> Iterable[tuple[Any, ...]]:
    return zip(
        columns.slot,
        columns.endpoint,
        [locations[location] for location in columns.location],
        columns.attempt,
        _settings(columns, scenes),
        [(slot * 1_000 + delay) / 1e6 for slot, delay in zip(columns.slot, columns.delay, strict=True)],
        _timings(columns),
        [lag / 1e3 for lag in columns.lag],
        strict=True,
    )


def _settings(columns: Columns, scenes: Mapping[int, Scene]) -> Iterable[tuple[Any, ...]]:
    """What the rows have of their scenes and answers."""
    sizes = set(columns.size)
    if len(sizes) == 1:  # as most answers have it, and most hours' chunks
        (size,) = sizes
        same = {identity: _setting(scenes[identity], size) for identity in set(columns.scene)}
        return [same[identity] for identity in columns.scene]
    kinds = list(zip(columns.scene, columns.size, strict=True))
    each = {(identity, size): _setting(scenes[identity], size) for identity, size in set(kinds)}
    return [each[kind] for kind in kinds]


def _setting(scene: Scene, size: int) -> tuple[Any, ...]:
    # Taken apart in one step a row: to ask a scene for each costs twice that.
    usual = all_true(scene.conditions)
    answer = scene.answer(size)
    return scene.revision, scene.trigger, scene.outcome, scene.connection, scene.peer, scene.tls, usual, answer


def _unusual(columns: Columns, scenes: Mapping[int, Scene]) -> list[int]:
    """Where there is more to a result than most have."""
    special = {identity for identity, scene in scenes.items() if scene.stale_retry or scene.maintenance}
    if not special and not any(columns.remarks) and not any(columns.aside):
        return []
    rows = zip(columns.scene, columns.remarks, columns.aside, strict=True)
    return [place for place, (scene, shared, aside) in enumerate(rows) if shared or aside or scene in special]


def _note(columns: Columns, place: int, remarks: Mapping[int, Remarks]) -> Remarks:
    aside = columns.aside[place]
    return Remarks.written(aside) if aside else remarks.get(columns.remarks[place], _NOTHING)


def _completed(result: Result, scene: Scene, note: Remarks) -> Result:
    return replace(
        result,
        stale_retry=scene.stale_retry,
        maintenance=scene.maintenance,
        conditions=conditions_of(scene, note),
        warnings=note.warnings,
        failure=note.failure,
    )


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
