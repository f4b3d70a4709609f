"""Step 0002's part for history: results in fewer columns, chunks, and roll-ups in the place of hours' tallies.

What many results share is one row more of `fact`; how the columns were before, and are now, is written out here, so
that this step stays what it was.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger

from milkrun.core.slots import phase
from milkrun.store.dialect import insert_once, is_postgres

# Of the statement, not of the connection: that one also writes.
_PIECE = 5_000
_IN_PIECES = {"yield_per": _PIECE}

_OUTCOMES = ("up", "degraded", "down", "unknown")
_CONNECTIONS = ("warm", "cold", None)
_TRIGGERS = ("schedule", "retry", "manual")

# What of an old scene goes on as it was, by name.
_KEPT = ("peer", "tls", "version", "status", "conditions")


def upgrade() -> None:
    """Make the new tables and carry over what there was."""
    _result()
    _chunk()
    _rollup()
    op.drop_table("tally")


def _result() -> None:
    bind = op.get_bind()
    if is_postgres(bind):
        op.execute("CREATE TABLE old_result AS SELECT * FROM result")
        op.drop_table("result")
    else:
        op.rename_table("result", "old_result")
    new, offbeat = _new_result(), _offbeat()
    scenes, beats = _Scenes(bind), _beats(bind)
    old = bind.execute(sa.text("SELECT * FROM old_result ORDER BY slot"), execution_options=_IN_PIECES)
    for part in old.mappings().partitions(_PIECE):  # without the number, mappings come one by one
        insert_once(bind, new, [_row(row, scenes.of(row)) for row in part])
        insert_once(bind, offbeat, sorted(_off(part, beats)))
    op.drop_table("old_result")


def _new_result() -> sa.Table:
    return op.create_table(
        "result",
        Column("slot", BigInteger, primary_key=True, autoincrement=False),
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("location", Integer, primary_key=True, autoincrement=False),
        Column("attempt", SmallInteger, primary_key=True, autoincrement=False),
        Column("scene", Integer, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("delay", BigInteger, nullable=False),
        Column("lag", BigInteger, nullable=False),
        Column("queue", BigInteger, nullable=False),
        Column("send", BigInteger, nullable=False),
        Column("wait", BigInteger, nullable=False),
        Column("receive", BigInteger, nullable=False),
        Column("rest", BigInteger, nullable=False),
        Column("rare", LargeBinary),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (slot)",
    )


def _offbeat() -> sa.Table:
    return op.create_table(
        "offbeat",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("slot", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _chunk() -> None:
    op.create_table(
        "chunk",
        Column("hour", BigInteger, primary_key=True, autoincrement=False),
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("results", Integer, nullable=False),
        Column("content", LargeBinary, nullable=False),
        postgresql_partition_by="RANGE (hour)",
    )


def _row(old: sa.RowMapping, scene: int) -> tuple[Any, ...]:
    phases = [old[name] for name in ("dns", "connect", "tls")]
    rest = old["total"] - sum(phases) - old["send"] - old["wait"] - old["receive"]
    rare = None
    if any(phases) or old["remarks"] is not None or old["aside"] is not None:
        rare = msgspec.msgpack.encode([*phases, old["remarks"] or 0, old["aside"]])
    same = ("delay", "lag", "queue", "send", "wait", "receive")
    identity = ("slot", "endpoint", "location", "attempt")
    return (*[old[name] for name in identity], scene, old["size"] or 0, *[old[name] for name in same], rest, rare)


class _Scenes:
    """Finds or makes the scene of a result: the old one, and what was in columns of the result itself."""

    def __init__(self, bind: sa.Connection) -> None:
        self._bind = bind
        self._known: dict[tuple[int, ...], int] = {}

    def of(self, row: sa.RowMapping) -> int:
        """The id of the new scene."""
        key = (row["scene"], row["revision"], row["outcome"], row["manner"])
        if key not in self._known:
            self._known[key] = self._make(*key)
        return self._known[key]

    def _make(self, scene: int, revision: int, outcome: int, manner: int) -> int:
        found = self._bind.execute(sa.text("SELECT until, content FROM fact WHERE id = :id"), {"id": scene}).one()
        usual = {"revision": 1, "outcome": "up", "connection": None, "stale_retry": False, "trigger": "schedule"}
        now = {
            "revision": revision,
            "outcome": _OUTCOMES[outcome],
            "connection": _CONNECTIONS[manner & 3],
            "stale_retry": bool(manner & 4),
            "trigger": _TRIGGERS[manner >> 4],
        }
        content = {name: value for name, value in now.items() if value != usual[name]}
        if manner & 8:
            content["answered"] = False
        before = json.loads(found.content)
        content |= {name: before[name] for name in _KEPT if name in before}
        return self._keep(msgspec.json.encode(content), found.until)

    def _keep(self, text: bytes, until: int) -> int:
        digest = hashlib.blake2b(text, digest_size=16).digest()
        known = self._bind.scalar(sa.text("SELECT id FROM fact WHERE digest = :digest"), {"digest": digest})
        if known is None:
            give = sa.text("INSERT INTO fact (digest, until, content) VALUES (:digest, :until, :content) RETURNING id")
            known = self._bind.scalar(give, {"digest": digest, "until": until, "content": text.decode()})
        return int(known)


def _beats(bind: sa.Connection) -> dict[int, set[tuple[int, int]]]:
    found: dict[int, set[tuple[int, int]]] = {}
    question = (
        'SELECT endpoint.id, endpoint.key, revision."interval" '
        "FROM endpoint JOIN revision ON revision.endpoint = endpoint.id"
    )
    for identity, key, interval in bind.execute(sa.text(question)):
        found.setdefault(identity, set()).add((phase(key, interval), interval))
    return found


def _off(rows: Iterable[sa.RowMapping], beats: Mapping[int, set[tuple[int, int]]]) -> set[tuple[int, int]]:
    return {
        (row["endpoint"], row["slot"])
        for row in rows
        if not any(row["slot"] % interval == offset for offset, interval in beats.get(row["endpoint"], ()))
    }


def _rollup() -> None:
    new = op.create_table(
        "rollup",
        Column("period", SmallInteger, primary_key=True, autoincrement=False),
        Column("start", BigInteger, primary_key=True, autoincrement=False),
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("location", Integer, primary_key=True, autoincrement=False),
        Column("connection", SmallInteger, primary_key=True, autoincrement=False),
        Column("up", Integer, nullable=False),
        Column("degraded", Integer, nullable=False),
        Column("down", Integer, nullable=False),
        Column("unknown", Integer, nullable=False),
        Column("maintenance", Integer, nullable=False),
        Column("count", Integer, nullable=False),
        Column("sum", BigInteger, nullable=False),
        Column("max", BigInteger, nullable=False),
        Column("phases", LargeBinary),
        sqlite_with_rowid=False,
    )
    bind = op.get_bind()
    last = bind.scalar(sa.text("SELECT max(hour) FROM tally"))
    if last is None:
        return
    location = _location(bind)
    tallies = bind.execute(sa.text("SELECT * FROM tally"), execution_options=_IN_PIECES).mappings()
    for part in tallies.partitions(_PIECE):
        # The last hour may go on: as five minutes of its own it will be merged with what comes yet.
        insert_once(bind, new, [row for old in part for row in _rollups(old, int(old["hour"] < last), location)])
    reached = {"name": "hours", "reached": last}
    bind.execute(sa.text("INSERT INTO progress (name, reached) VALUES (:name, :reached)"), reached)


def _location(bind: sa.Connection) -> int:
    """There was one in those days, by the name of `local` unless a result says otherwise."""
    known = bind.scalar(sa.text("SELECT min(id) FROM location"))
    if known is None:
        known = bind.scalar(sa.text("INSERT INTO location (name) VALUES ('local') RETURNING id"))
    return int(known)


def _rollups(old: sa.RowMapping, period: int, location: int) -> Iterator[tuple[Any, ...]]:
    counts = [old[name] for name in _OUTCOMES]
    for connection, name in enumerate(("warm", "cold")):
        count, total, most = old[name], round(old[f"{name}_sum"] * 1e3), round(old[f"{name}_max"] * 1e3)
        if count or any(counts):
            identity = (period, old["hour"], old["endpoint"], location, connection)
            yield (*identity, *counts, 0, count, total, most, None)
        counts = [0] * len(_OUTCOMES)
