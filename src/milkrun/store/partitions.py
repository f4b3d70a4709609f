"""PostgreSQL's partitions: one a day of the table's first column, made when first needed and dropped whole.

Dropping a day costs nothing and gives its room back at once, where deleting its rows would leave both to the vacuum.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection, Table, text

DAY = 86_400_000

_EPOCH = date(1970, 1, 1)

# Seconds for which a partition that is to go may hold up readers and the writer; then it stays until the next time.
PATIENCE = "100ms"

_PARTITIONS = text(
    "SELECT child.relname AS name FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid "
    "WHERE inhparent = to_regclass(:parent) ORDER BY name"
)


def by_day(table: Table) -> bool:
    """Whether a table is kept in such partitions."""
    return table.dialect_options["postgresql"]["partition_by"] is not None


def make(connection: Connection, table: Table, times: Iterable[int]) -> None:
    """Make what is missing for rows of these times (epoch ms), and the day after the newest."""
    days = {time // DAY for time in times}
    days.add(max(days) + 1)
    there = set(connection.scalars(_PARTITIONS, {"parent": table.name}))
    for day in sorted(days):
        name = _name(table, day)
        if name not in there:
            # Attached, not made in place: that would wait for everybody who reads the table, and they for it.
            connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)")
            bounds = f"FROM ({day * DAY}) TO ({(day + 1) * DAY})"
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES {bounds}")


def drop(connection: Connection, table: Table, *, before: int) -> int:
    """Drop the days that are over before a time (epoch ms); how many there were."""
    last = _name(table, before // DAY)
    gone = [name for name in connection.scalars(_PARTITIONS, {"parent": table.name}) if name < last]
    if gone:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        connection.exec_driver_sql(f"DROP TABLE {', '.join(gone)}")
    return len(gone)


def oldest(connection: Connection, table: Table) -> int | None:
    """When (epoch ms) the oldest day begins; None where there is none."""
    names = list(connection.scalars(_PARTITIONS, {"parent": table.name}))
    return (date.fromisoformat(names[0].removeprefix(f"{table.name}_")) - _EPOCH).days * DAY if names else None


def _name(table: Table, day: int) -> str:
    return f"{table.name}_{_EPOCH + timedelta(days=day):%Y%m%d}"
