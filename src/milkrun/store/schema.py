"""The tables. Times are epoch milliseconds; a raw result is kept small, for there are billions of them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    column,
)

metadata = MetaData()

endpoint = Table(
    "endpoint",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("fingerprint", String, nullable=False),
    # The slot of its earliest result: a search backwards for a young endpoint's results can stop there.
    Column("first", BigInteger),
    sqlite_autoincrement=True,
)

# What an endpoint was when its results came to be; conditions are JSON lists of texts, interval is milliseconds.
revision = Table(
    "revision",
    metadata,
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

location = Table(
    "location",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

# What many results share, by content. No result with a slot after `until` refers to it. An id is never given twice:
# readers remember what an id stands for.
fact = Table(
    "fact",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("until", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Index("fact_until", "until"),
    sqlite_autoincrement=True,
)

# Rows append in time order. Durations are microseconds. No second index: by endpoint it would dirty a page a row.
result = Table(
    "result",
    metadata,
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
)

state = Table(
    "state",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),
    Column("settled", String, nullable=False),
    Column("since", BigInteger),
    Column("worse_degraded", Integer, nullable=False),
    Column("worse_down", Integer, nullable=False),
    Column("better_up", Integer, nullable=False),
    Column("better_degraded", Integer, nullable=False),
    # When the open incident opened, for the rest is in its own row.
    Column("incident", BigInteger),
)

incident = Table(
    "incident",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("opened", BigInteger, primary_key=True, autoincrement=False),
    Column("closed", BigInteger),
    Column("state", String, nullable=False),
    Column("cause", Text, nullable=False),
    Index("incident_opened", "opened", "endpoint"),
    Index("incident_open", "opened", sqlite_where=column("closed").is_(None)),
    sqlite_with_rowid=False,
)

# By hour first: a flush then touches the pages of the hour, not one page an endpoint.
tally = Table(
    "tally",
    metadata,
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

gap = Table(
    "gap",
    metadata,
    Column("began", BigInteger, primary_key=True, autoincrement=False),
    Column("ended", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
