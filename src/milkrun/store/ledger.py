"""What is kept besides results and incidents: states, what routes have told of, gaps, the range of what is kept."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, delete, select, tuple_

from milkrun.core.alert import Firing
from milkrun.core.state import EndpointState
from milkrun.store import schema
from milkrun.store.dialect import put
from milkrun.store.protocol import Gap
from milkrun.store.texts import json_text, storable

# Keys in one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
KEYS = 5_000


def states(connection: Connection) -> dict[int, EndpointState]:
    """Each endpoint's state, with its open incident."""
    rows = connection.execute(select(schema.state.c.endpoint, schema.state.c.content))
    return {row.endpoint: msgspec.json.decode(row.content, type=EndpointState) for row in rows}


def put_states(connection: Connection, states: Mapping[int, EndpointState]) -> None:
    """Write states, each in the place of the endpoint's last one."""
    put(connection, schema.state, [(endpoint, json_text(state)) for endpoint, state in states.items()])


def firings(connection: Connection) -> dict[tuple[int, str], Firing]:
    """What routes have told of and not yet told the end of, by endpoint and route."""
    rows = connection.execute(select(schema.firing))
    return {(row.endpoint, row.route): msgspec.json.decode(row.content, type=Firing) for row in rows}


def put_firings(connection: Connection, firings: Mapping[tuple[int, str], Firing | None]) -> None:
    """Write firings, and remove those that are over."""
    own = schema.firing.c
    over = [key for key, firing in firings.items() if firing is None]
    for start in range(0, len(over), KEYS):
        gone = tuple_(own.endpoint, own.route).in_(over[start : start + KEYS])
        connection.execute(delete(schema.firing).where(gone))
    put(connection, schema.firing, [(*key, json_text(firing)) for key, firing in firings.items() if firing is not None])


def gaps(connection: Connection, *, since: int) -> list[Gap]:
    """Gaps that ended after `since`, oldest first."""
    gap = schema.gap
    rows = connection.execute(select(gap).where(gap.c.ended > since).order_by(gap.c.began))
    return [Gap(began=row.began, ended=row.ended, reason=row.reason) for row in rows]


def put_gaps(connection: Connection, gaps: Iterable[Gap]) -> None:
    """Write gaps, each in the place of the one that began with it."""
    put(connection, schema.gap, [(gap.began, gap.ended, storable(gap.reason)) for gap in gaps])
