"""Writing many rows at once, in the words of each database. Rows are tuples in the order of their table's columns.

The driver's own statements and plain tuples: the dictionaries that SQLAlchemy takes cost as much as the insert itself.
All run in the caller's transaction.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from milkrun.store import partitions
from milkrun.store.arrays import array_literal, array_type

Row = tuple[Any, ...]

# PostgreSQL takes so many rows in one statement: some megabytes at most.
AT_ONCE = 5_000

_SKIP = "ON CONFLICT DO NOTHING"


def insert_once(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert each row whose key is not there yet; of rows with one key the first stands."""
    _execute(connection, table, rows, _SKIP)


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert each row, or replace the one that has its key; of rows with one key the last stands."""
    key = [place for place, column in enumerate(table.columns) if column.primary_key]
    # PostgreSQL refuses to replace what the same statement put in.
    last = {tuple([row[place] for place in key]): row for row in rows}
    _execute(connection, table, list(last.values()), _replacing(table, connection.dialect))


def is_postgres(connection: Connection) -> bool:
    """Whether this is PostgreSQL, for the few questions that have no common words."""
    return connection.dialect.name == "postgresql"


def _execute(connection: Connection, table: Table, rows: Sequence[Row], on_conflict: str) -> None:
    if not rows:
        return
    if not is_postgres(connection):
        connection.exec_driver_sql(_sqlite_insert(table, connection.dialect, on_conflict), list(rows))
        return
    if partitions.by_day(table):
        partitions.make(connection, table, [row[0] for row in rows])
    statement = _postgres_insert(table, connection.dialect, on_conflict)
    types = [column.type for column in table.columns]
    for start in range(0, len(rows), AT_ONCE):
        columns = zip(*rows[start : start + AT_ONCE], strict=True)
        connection.exec_driver_sql(statement, tuple(map(array_literal, types, columns)))


@lru_cache(256)
def _sqlite_insert(table: Table, dialect: Dialect, on_conflict: str) -> str:
    places = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {_named(table, dialect)} VALUES ({places}) {on_conflict}"  # noqa: S608 - our own tables' names


@lru_cache(256)
def _postgres_insert(table: Table, dialect: Dialect, on_conflict: str) -> str:
    # One parameter a column: a statement of as many parameters as values takes ten times as long to send and to read.
    arrays = ", ".join(f"%s::{array_type(column.type, dialect)}" for column in table.columns)
    return f"INSERT INTO {_named(table, dialect)} SELECT * FROM unnest({arrays}) {on_conflict}"  # noqa: S608 - our own tables' names


@lru_cache(256)
def _replacing(table: Table, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.format_column
    key = ", ".join(quote(column) for column in table.primary_key.columns)
    rest = [quote(column) for column in table.columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    return f"ON CONFLICT ({key}) DO UPDATE SET {changes}" if rest else _SKIP


def _named(table: Table, dialect: Dialect) -> str:
    preparer = dialect.identifier_preparer
    columns = ", ".join(preparer.format_column(column) for column in table.columns)
    return f"{preparer.format_table(table)} ({columns})"
