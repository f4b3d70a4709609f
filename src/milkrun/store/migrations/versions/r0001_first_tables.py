"""The first tables: what `milkrun.store.schema` describes, as it was at this step."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, SmallInteger, String, Text, column

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _endpoint()
    _revision()
    _location()
    _fact()
    _result()
    _state()
    _incident()
    _tally()
    _gap()


def _endpoint() -> None:
    op.create_table(
        "endpoint",
        Column("id", Integer, primary_key=True),
        Column("key", String, nullable=False, unique=True),
        Column("revision", Integer, nullable=False),
        Column("fingerprint", String, nullable=False),
        Column("first", BigInteger),
        sqlite_autoincrement=True,
    )


def _revision() -> None:
    op.create_table(
        "revision",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("revision", Integer, primary_key=True, autoincrement=False),
        Column("name", String, nullable=False),
        Column("group", String, nullable=False),
        Column("kind", String, nullable=False),
        Column("target", String, nullable=False),
        Column("interval", BigInteger, nullable=False),
        Column("conditions", Text, nullable=False),
        Column("degraded", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _location() -> None:
    op.create_table(
        "location",
        Column("id", Integer, primary_key=True),
        Column("name", String, nullable=False, unique=True),
    )


def _fact() -> None:
    op.create_table(
        "fact",
        Column("id", Integer, primary_key=True),
        Column("digest", LargeBinary, nullable=False, unique=True),
        Column("until", BigInteger, nullable=False),
        Column("content", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("fact_until", "fact", ["until"])


def _result() -> None:
    op.create_table(
        "result",
        Column("slot", BigInteger, primary_key=True, autoincrement=False),
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("location", Integer, primary_key=True, autoincrement=False),
        Column("attempt", SmallInteger, primary_key=True, autoincrement=False),
        Column("revision", Integer, nullable=False),
        Column("outcome", SmallInteger, nullable=False),
        Column("manner", SmallInteger, nullable=False),
        Column("scene", Integer, nullable=False),
        Column("size", BigInteger),
        Column("delay", BigInteger, nullable=False),
        Column("lag", BigInteger, nullable=False),
        Column("queue", BigInteger, nullable=False),
        Column("dns", BigInteger, nullable=False),
        Column("connect", BigInteger, nullable=False),
        Column("tls", BigInteger, nullable=False),
        Column("send", BigInteger, nullable=False),
        Column("wait", BigInteger, nullable=False),
        Column("receive", BigInteger, nullable=False),
        Column("total", BigInteger, nullable=False),
        Column("remarks", Integer),
        Column("aside", Text),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (slot)",  # no version that ended with this step ran on PostgreSQL
    )


def _state() -> None:
    op.create_table(
        "state",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("state", String, nullable=False),
        Column("settled", String, nullable=False),
        Column("since", BigInteger),
        Column("worse_degraded", Integer, nullable=False),
        Column("worse_down", Integer, nullable=False),
        Column("better_up", Integer, nullable=False),
        Column("better_degraded", Integer, nullable=False),
        Column("incident", BigInteger),
    )


def _incident() -> None:
    op.create_table(
        "incident",
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("opened", BigInteger, primary_key=True, autoincrement=False),
        Column("closed", BigInteger),
        Column("state", String, nullable=False),
        Column("cause", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("incident_opened", "incident", ["opened", "endpoint"])
    op.create_index("incident_open", "incident", ["opened"], sqlite_where=column("closed").is_(None))


def _tally() -> None:
    op.create_table(
        "tally",
        Column("hour", BigInteger, primary_key=True, autoincrement=False),
        Column("endpoint", Integer, primary_key=True, autoincrement=False),
        Column("up", Integer, nullable=False),
        Column("degraded", Integer, nullable=False),
        Column("down", Integer, nullable=False),
        Column("unknown", Integer, nullable=False),
        Column("warm", Integer, nullable=False),
        Column("warm_sum", Float, nullable=False),
        Column("warm_max", Float, nullable=False),
        Column("cold", Integer, nullable=False),
        Column("cold_sum", Float, nullable=False),
        Column("cold_max", Float, nullable=False),
        sqlite_with_rowid=False,
    )


def _gap() -> None:
    op.create_table(
        "gap",
        Column("began", BigInteger, primary_key=True, autoincrement=False),
        Column("ended", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
    )
