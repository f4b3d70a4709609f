"""All tables from one database into another, whatever kinds they are, row by row and summed on the way."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, Connection, Table, func, select, text

from milkrun.store.backups.manifest import Sum, sum_of
from milkrun.store.dialect import insert_once, is_postgres
from milkrun.store.schema import metadata

# Rows held at a time.
AT_ONCE = 5_000

Rows = list[tuple[Any, ...]]


def copy_all(source: Connection, target: Connection) -> dict[str, Sum]:
    """Copy every table into an empty one, in both callers' transactions; what was read, by table."""
    copied = {table.name: _copy(source, target, table) for table in _tables()}
    _go_on_counting(target)
    return copied


def sums(connection: Connection) -> dict[str, Sum]:
    """What is in every table."""
    return {table.name: sum((_sum(table, rows) for rows in read(connection, table)), Sum()) for table in _tables()}


def empty(connection: Connection) -> None:
    """Remove everything."""
    for table in _tables():
        connection.execute(text(f"TRUNCATE {table.name}") if is_postgres(connection) else table.delete())


def read(connection: Connection, table: Table) -> Iterator[Rows]:
    """A table's rows, some at a time, in no order."""
    for part in connection.execute(select(table), execution_options={"yield_per": AT_ONCE}).partitions():
        yield [tuple(row) for row in part]


def _tables() -> Sequence[Table]:
    return metadata.sorted_tables


def _copy(source: Connection, target: Connection, table: Table) -> Sum:
    total = Sum()
    for rows in read(source, table):
        insert_once(target, table, rows)
        total += _sum(table, rows)
    return total


def _sum(table: Table, rows: Rows) -> Sum:
    truths = {place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)}
    if not truths:
        return sum_of(rows)
    return sum_of(tuple([int(value) if place in truths else value for place, value in enumerate(row)]) for row in rows)


def _go_on_counting(connection: Connection) -> None:
    """Let the next id that PostgreSQL gives come after those that are there; SQLite does so by itself."""
    if not is_postgres(connection):
        return
    for table in _tables():
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, func.coalesce(func.max(column), 0) + 1, False)))
