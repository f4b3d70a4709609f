"""Forgets by age, a bite at a time. Each function here does one bite, in the writer's transaction.

It says how many results that removed; None where there was nothing to do.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from milkrun.store import history, layers, partitions, schema
from milkrun.store.dialect import is_postgres
from milkrun.store.facts import FactWriter
from milkrun.store.layers import Layer, ResultLayer
from milkrun.store.outbox_protocol import Status
from milkrun.store.progress import Mark, reached
from milkrun.store.protocol import Keep

# How long each layer is kept. Nothing coarse goes before what it was made of: late results count in both.
AGES: tuple[tuple[Layer, Callable[[Keep], int]], ...] = (
    (layers.CHUNKS, lambda keep: keep.results),
    (layers.RAW, lambda keep: keep.results),
    (layers.FIVE_MINUTES, lambda keep: max(keep.results, keep.five_minutes)),
    (layers.HOURS, lambda keep: max(keep.results, keep.five_minutes, keep.hours)),
    (layers.DAYS, lambda keep: max(keep.results, keep.five_minutes, keep.hours, keep.days)),
    (layers.INCIDENTS, lambda keep: keep.incidents),
)

# Shared facts, and messages or attempts, removed in one bite.
FACTS = 1_000
MESSAGES = 500

_THROUGH = [status.value for status in (Status.SENT, Status.WITHDRAWN, Status.FAILED)]


def clear(connection: Connection) -> int | None:
    """Remove raw rows of hours that are packed, which forgets nothing; PostgreSQL drops them by the day.

    The newest slot's stay: they say when the last check was.
    """
    newest = layers.RAW.newest(connection)
    before = min(reached(connection, Mark.PACKED), newest or 0)
    if is_postgres(connection):
        return 0 if partitions.drop(connection, schema.result, before=before) else None
    return layers.CLEARED.remove(connection, before) if layers.CLEARED.is_due(connection, before) else None


def forget(connection: Connection, now: int, keep: Keep) -> int | None:
    """Remove what is older than it is kept, of the first layer that has any."""
    for layer, age in AGES:
        before = now - age(keep)
        if layer.is_due(connection, before):
            if isinstance(layer, ResultLayer) and is_postgres(connection):
                layer.drop(connection, before)
            return layer.remove(connection, before)
    return None


def drop_facts(connection: Connection, facts: FactWriter, now: int, keep: Keep) -> int | None:
    """Remove facts that no result, raw or packed, is old enough to refer to: each says up to which slot one may."""
    oldest, _ = history.span(connection)
    before = now - keep.results if oldest is None else oldest
    if not connection.scalar(select(func.min(schema.fact.c.until) < before)):
        return None
    facts.remove_unused(before, FACTS)
    return 0


def drop_messages(connection: Connection, now: int, keep: Keep) -> int | None:
    """Remove messages that are through, and what was tried to deliver them, as old as incidents that are forgotten."""
    before = now - keep.incidents
    removed = 0
    for table, old in ((schema.message, _messages(before)), (schema.attempt, _attempts(before))):
        removed += connection.execute(delete(table).where(table.c.id.in_(old.limit(MESSAGES)))).rowcount
    return 0 if removed else None


def _messages(before: int) -> Select[Any]:
    own = schema.message.c
    return select(own.id).where(own.status.in_(_THROUGH), own.created < before).order_by(own.seq)


def _attempts(before: int) -> Select[Any]:
    own = schema.attempt.c
    return select(own.id).where(own.at < before).order_by(own.id)
