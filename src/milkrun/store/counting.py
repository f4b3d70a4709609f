"""Counts raw rows by five minutes without a Result of each: what `core.rollup.roll_up` would say of them.

A start counts some hundred thousand rows before its first check. In the caller's transaction.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select

from milkrun.core.observation import Connection as Carrier
from milkrun.core.rollup import (
    FIVE_MINUTES_MS,
    PHASES,
    WARM_PHASES,
    Period,
    Rollup,
    add_latencies,
    add_outcomes,
    phases_of,
)
from milkrun.store import raw, schema
from milkrun.store.decoding import Decoder
from milkrun.store.facts import Scene
from milkrun.store.rows import decode_rare

_own = schema.result.c

# What is read of a row: its identity first; `rare` is all that a warm result does not have.
_READ = (
    *(_own.slot, _own.endpoint, _own.location, _own.attempt),
    *(_own.scene, _own.wait, _own.receive, _own.send + _own.wait + _own.receive + _own.rest, _own.rare),
)
_ATTEMPT = 3

_Line = Sequence[Any]

# Rows that are counted as one: five minutes, endpoint, location, scene, and whether they have all PHASES. Of each row
# there are the latencies, microseconds, one row's after the other's.
_Group = tuple[int, int, int, int, bool]
_Groups = dict[_Group, "array[int]"]


def count(connection: Connection, decoder: Decoder, since: int, until: int) -> list[Rollup]:
    """Count the raw rows with slots from `since` to below `until`, by the last attempt of every slot."""
    groups: _Groups = {}
    for lines in _last_attempts(_pieces(connection, since, until)):
        _gather(groups, lines)
    return _rollups(connection, decoder, groups)


def _pieces(connection: Connection, since: int, until: int) -> Iterator[Sequence[_Line]]:
    statement = select(*_READ).where(_own.slot >= since, _own.slot < until).order_by(*schema.result.primary_key)
    yield from connection.execute(statement, execution_options={"yield_per": raw.FETCHED}).partitions()


def _last_attempts(pieces: Iterable[Sequence[_Line]]) -> Iterator[list[_Line]]:
    """Attempts at one slot follow each other, perhaps in another piece."""
    held: list[_Line] = []
    for piece in pieces:
        lines = [*held, *piece]
        yield [line for line, after in pairwise(lines) if after[_ATTEMPT] == 1 or line[:_ATTEMPT] != after[:_ATTEMPT]]
        held = lines[-1:]
    yield held


def _gather(groups: _Groups, lines: Iterable[_Line]) -> None:
    for slot, endpoint, location, _, scene, wait, receive, total, rare in lines:
        group = slot - slot % FIVE_MINUTES_MS, endpoint, location, scene, rare is not None
        values = groups.get(group)
        if values is None:
            values = groups[group] = array("q")
        if rare is None:
            values.fromlist([wait, receive, total])
        else:
            more = decode_rare(rare)
            opening = more.dns + more.connect + more.tls
            values.fromlist([more.dns, more.connect, more.tls, wait, receive, total + opening])


def _rollups(connection: Connection, decoder: Decoder, groups: _Groups) -> list[Rollup]:
    scenes = decoder.scenes(connection, {group[3] for group in groups})
    locations = decoder.locations(connection, {group[2] for group in groups})
    found: dict[tuple[int, int, int, Carrier | None], Rollup] = {}
    for (start, endpoint, location, identity, all_phases), values in groups.items():
        scene = scenes[identity]
        key = start, endpoint, location, scene.connection
        if key not in found:
            found[key] = Rollup(
                period=Period.FIVE_MINUTES,
                start=start,
                endpoint=endpoint,
                location=locations[location],
                connection=scene.connection,
            )
        _add(found[key], scene, PHASES if all_phases else WARM_PHASES, values)
    return list(found.values())


def _add(rollup: Rollup, scene: Scene, names: Sequence[str], values: "array[int]") -> None:
    times = len(values) // len(names)
    if scene.maintenance:
        rollup.maintenance += times
        return
    add_outcomes(rollup, scene.outcome, times)
    if scene.answered:
        for place, name in enumerate(names):
            if name in phases_of(scene.connection):
                add_latencies(rollup, name, values[place :: len(names)].tolist())
