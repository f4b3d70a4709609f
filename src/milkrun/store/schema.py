"""The tables. Times are epoch milliseconds; a raw result is kept small, for there are billions of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
# What the columns mean, and what is in `rare`, says `store.rows`.
result = Table(
    "result",
    metadata,
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

# Slots of results that are not due at their endpoint's beat, so that a search by the beat finds them too.
offbeat = Table(
    "offbeat",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# An endpoint's results of an hour that is over, as `store.chunk` packs them: when it began, and how many they are.
chunk = Table(
    "chunk",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("results", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (hour)",
)

# What happened in a period: counts by outcome, microseconds of `total`, and `phases` as `store.rollups` writes them.
# By period and start first: what is written together is kept together. `period` is 0 for five minutes, 1 for an hour,
# 2 for a day; `connection` 0 for warm, 1 for cold, 2 for none.
rollup = Table(
    "rollup",
    metadata,
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

state = Table(
    "state",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("opened", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),
    Column("closed", BigInteger),
    Column("state", String, nullable=False),
    Column("cause", Text, nullable=False),
    Column("layer", String, nullable=False),
    Column("parent", Integer),
    Column("flapping", Boolean, nullable=False),
    Index("incident_opened", "opened", "endpoint", "kind"),
    Index(
        "incident_open",
        "opened",
        sqlite_where=column("closed").is_(None),
        postgresql_where=column("closed").is_(None),
    ),
    sqlite_with_rowid=False,
)

# An incident's timeline. `mark` is made of the text and who said it, so that an entry written twice is there once.
entry = Table(
    "entry",
    metadata,
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

# An incident's evidence: JSON of `core.incident.Exhibit`, its result in it, for the raw one is gone first.
exhibit = Table(
    "exhibit",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("opened", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),
    Column("content", Text, nullable=False),
)

# What routes have told of and not yet told the end of: JSON of `core.alert.Firing`.
firing = Table(
    "firing",
    metadata,
    Column("endpoint", Integer, primary_key=True, autoincrement=False),
    Column("route", String, primary_key=True),
    Column("content", Text, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# The outbox. `seq` is the order in which messages were made; `content` is JSON of `core.alert.Subject`. What the rest
# means says `store.outbox`.
message = Table(
    "message",
    metadata,
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
    Index("message_queue", "channel", "status", "due"),
    # All that makes a message one of the same: with less, planners take the queue for a better way in.
    Index("message_incident", "endpoint", "opened", "kind", "route", "channel"),
    Index("message_seq", "seq"),
)

# Who delivers a channel's messages now, until when, and how that goes; see `store.outbox_claims`.
channel = Table(
    "channel",
    metadata,
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

attempt = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("took", Float, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("error", Text),
    Index("attempt_channel", "channel", "id"),
)

# How far work that goes on in bites has come, by its name.
progress = Table(
    "progress",
    metadata,
    Column("name", String, primary_key=True),
    Column("reached", BigInteger, nullable=False),
)

gap = Table(
    "gap",
    metadata,
    Column("began", BigInteger, primary_key=True, autoincrement=False),
    Column("ended", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
