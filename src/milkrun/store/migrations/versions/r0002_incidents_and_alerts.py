"""Incidents with a timeline and evidence, states that may grow, alerts, roll-ups and packed results.

What was there is carried over: a state's columns become JSON, an hour's tally becomes its roll-ups.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Text, column

from milkrun.store.migrations import history_0002

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the new tables, and the old ones anew that have another shape."""
    _incident()
    _state()
    _entry()
    _exhibit()
    _firing()
    _secret()
    _message()
    _channel()
    _attempt()
    _progress()
    history_0002.upgrade()


def _incident() -> None:
    # Read before the old table goes, for the new one has its name, and so have its indexes and its key.
    kept = [dict(row) for row in _rows("SELECT endpoint, opened, closed, state, cause FROM incident")]
    op.drop_table("incident")
    new = op.create_table(
        "incident",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("opened", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", String, primary_key=True),
        Column("closed", BigInteger),
        Column("state", String, nullable=False),
        Column("cause", Text, nullable=False),
        Column("layer", String, nullable=False),
        Column("parent", Integer),
        Column("flapping", Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    is_open = column("closed").is_(None)
    op.create_index("incident_opened", "incident", ["opened", "endpoint", "kind"])
    op.create_index("incident_open", "incident", ["opened"], sqlite_where=is_open, postgresql_where=is_open)
    op.bulk_insert(new, [_new_incident(row) for row in kept])


def _new_incident(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "kind": "outage", "layer": _layer(row["cause"]), "parent": None, "flapping": False}


def _layer(cause: str) -> str:
    """A failure's sentence began with `layer/kind: `; a condition's did not."""
    layer, slash, _ = cause.partition("/")
    return layer if slash and layer.isalpha() else "condition"


def _state() -> None:
    open_ones = {(row["endpoint"], row["opened"]): dict(row) for row in _rows("SELECT * FROM incident")}
    kept = [_new_state(row, open_ones) for row in _rows("SELECT * FROM state")]
    op.drop_table("state")
    new = op.create_table(
        "state",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("content", Text, nullable=False),
    )
    op.bulk_insert(new, kept)


def _new_state(row: Mapping[str, Any], incidents: Mapping[tuple[int, int], dict[str, Any]]) -> dict[str, Any]:
    incident = incidents.get((row["endpoint"], row["incident"]))
    content = {
        "state": row["state"],
        "settled": row["settled"],
        "since": row["since"],
        "worse": [row["worse_degraded"], row["worse_down"]],
        "better": [row["better_up"], row["better_degraded"]],
        "incident": incident and {**incident, "flapping": False},
    }
    return {"endpoint": row["endpoint"], "content": json.dumps(content, ensure_ascii=False)}


def _entry() -> None:
    op.create_table(
        "entry",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("opened", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", String, primary_key=True),
        Column("at", BigInteger, primary_key=True, autoincrement=False),
        Column("moment", String, primary_key=True),
        Column("mark", BigInteger, primary_key=True, autoincrement=False),
        Column("text", Text, nullable=False),
        Column("by", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _exhibit() -> None:
    op.create_table(
        "exhibit",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("opened", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", String, primary_key=True),
        Column("content", Text, nullable=False),
    )


def _firing() -> None:
    op.create_table(
        "firing",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("route", String, primary_key=True),
        Column("content", Text, nullable=False),
    )


def _secret() -> None:
    op.create_table(
        "secret",
        Column("name", String, primary_key=True),
        Column("content", LargeBinary, nullable=False),
    )


def _message() -> None:
    op.create_table(
        "message",
        Column("id", String, primary_key=True),
        Column("seq", BigInteger, nullable=False),
        Column("channel", String, nullable=False),
        Column("route", String, nullable=False),
        Column("purpose", String, nullable=False),
        Column("endpoint", Integer, nullable=False),
        Column("opened", BigInteger, nullable=False),
        Column("kind", String, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("due", BigInteger, nullable=False),
        Column("firm", BigInteger, nullable=False),
        Column("tells", Boolean, nullable=False),
        Column("status", String, nullable=False),
        Column("claim", String),
        Column("tries", Integer, nullable=False),
        Column("content", Text, nullable=False),
    )
    op.create_index("message_queue", "message", ["channel", "status", "due"])
    op.create_index("message_incident", "message", ["endpoint", "opened", "kind", "route", "channel"])
    op.create_index("message_seq", "message", ["seq"])


def _channel() -> None:
    op.create_table(
        "channel",
        Column("name", String, primary_key=True),
        Column("fingerprint", String, nullable=False),
        Column("claim", String),
        Column("lease", BigInteger, nullable=False),
        Column("hold", BigInteger, nullable=False),
        Column("tried", Integer, nullable=False),
        Column("failing", BigInteger),
        Column("disabled", Text),
        Column("arrived", BigInteger, nullable=False),
        Column("refused", BigInteger, nullable=False),
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        Column("id", Integer, primary_key=True),
        Column("channel", String, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("took", sa.Float, nullable=False),
        Column("messages", Integer, nullable=False),
        Column("error", Text),
    )
    op.create_index("attempt_channel", "attempt", ["channel", "id"])


def _progress() -> None:
    op.create_table(
        "progress",
        Column("name", String, primary_key=True),
        Column("reached", BigInteger, nullable=False),
    )


def _rows(question: str) -> Any:
    return op.get_bind().execute(sa.text(question)).mappings()
