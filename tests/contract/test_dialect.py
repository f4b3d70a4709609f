"""Many rows at once: what each database makes of the same tuples."""

from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from milkrun.store import schema
from milkrun.store.dialect import AT_ONCE, insert_once, put
from milkrun.store.sql import SqlStore


async def rows(store: SqlStore, table: Table) -> list[tuple[Any, ...]]:
    def read(connection: Connection) -> list[tuple[Any, ...]]:
        order = list(table.primary_key.columns)
        return [tuple(row) for row in connection.execute(select(table).order_by(*order))]

    return await store._ask(read)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (schema.gap, (-5, 1 << 62, "")),
        (schema.gap, (0, 1, "a\n\t\"quoted\" \\back\\slash, {braces} NULL 'and' %s \N{SNOWMAN}")),
        (schema.gap, (0, 1, "NULL")),
        (schema.secret, ("name", b"")),
        (schema.secret, ("name", bytes(range(256)))),
        (schema.attempt, (1, "ops", 2, 0.1 + 0.2, 3, None)),
        (schema.attempt, (1, "ops", 2, 1e-300, 3, "refused")),
        (schema.incident, (1, 2, "outage", None, "down", "cause", "", None, True)),
        (schema.incident, (1, 2, "outage", 3, "down", "cause", "dns", 7, False)),
    ],
)
async def test_a_row_reads_back_as_it_was_written(sql_store: SqlStore, table: Table, row: tuple[Any, ...]) -> None:
    await sql_store._change(lambda connection: insert_once(connection, table, [row]))
    assert await rows(sql_store, table) == [row]
    await sql_store._change(lambda connection: put(connection, table, [row]))
    assert await rows(sql_store, table) == [row]


async def test_of_rows_with_one_key_the_first_stands_or_the_last(sql_store: SqlStore) -> None:
    first, second, third = (1, 2, "a"), (1, 3, "b"), (1, 4, "c")
    await sql_store._change(lambda connection: insert_once(connection, schema.gap, [first, second]))
    assert await rows(sql_store, schema.gap) == [first]
    await sql_store._change(lambda connection: insert_once(connection, schema.gap, [second]))
    assert await rows(sql_store, schema.gap) == [first]
    await sql_store._change(lambda connection: put(connection, schema.gap, [second, third]))
    assert await rows(sql_store, schema.gap) == [third]


async def test_a_table_that_is_all_key_is_put_as_it_is(sql_store: SqlStore) -> None:
    for _ in range(2):
        await sql_store._change(lambda connection: put(connection, schema.offbeat, [(1, 2), (1, 3), (1, 2)]))
    assert await rows(sql_store, schema.offbeat) == [(1, 2), (1, 3)]


async def test_no_rows_are_no_statement(sql_store: SqlStore) -> None:
    await sql_store._change(lambda connection: insert_once(connection, schema.gap, []))
    await sql_store._change(lambda connection: put(connection, schema.gap, []))
    assert await rows(sql_store, schema.gap) == []


async def test_more_rows_than_fit_a_statement_are_all_written(sql_store: SqlStore) -> None:
    many = [(number, number + 1, "reason") for number in range(AT_ONCE + 1)]
    await sql_store._change(lambda connection: insert_once(connection, schema.gap, many))
    assert await rows(sql_store, schema.gap) == many
