"""What a configuration comes to: frozen values, with every default written once."""

import msgspec

from milkrun.core.alert import Route
from milkrun.core.endpoint import Endpoint
from milkrun.core.objectives import SharedObjective

# A database's URL begins with one of these.
POSTGRES_SCHEMES = ("postgresql://", "postgres://")


class BasicAuth(msgspec.Struct, frozen=True, kw_only=True):
    """`security.basic` as Gatus has it: a user and the base64 of a bcrypt hash (kept as the hash)."""

    username: str
    password_bcrypt: bytes

    def __repr__(self) -> str:
        return f"BasicAuth(username={self.username!r}, password_bcrypt=<hidden>)"

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("username", self.username)]


class DatabaseUrl(msgspec.Struct, frozen=True):
    """Where PostgreSQL is; a password may stand in it, so that it is never shown."""

    url: str

    def __repr__(self) -> str:
        return "DatabaseUrl(<hidden>)"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return []


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much history is kept: retentions in seconds, `max_size` in bytes; `database` None is SQLite's file.

    `retention` is that of results; roll-ups are kept for longer, the longer the more time each stands for.
    """

    database: DatabaseUrl | None = None

    retention: float = 7 * 86_400.0
    retention_five_minutes: float = 30 * 86_400.0
    retention_hours: float = 400 * 86_400.0
    retention_days: float = 5 * 365 * 86_400.0
    retention_incidents: float = 5 * 365 * 86_400.0
    max_size: int = 5_000_000_000


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where pages are served. `allowed_hosts` adds to the host names that loopback always answers to.

    `url` is where people reach the pages, for links in alerts, without a slash at its end; "" where nobody said.
    """

    host: str = "127.0.0.1"
    port: int = 8090
    url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    basic: BasicAuth | None = None
    allow_unauthenticated: bool = False


class AddressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which networks checks may connect to. `public_only` stands for an `allow` of all that is public."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    public_only: bool = False


class KeepAliveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How soon the kernel gives up a silent peer, in seconds; None leaves the client's own default."""

    enabled: bool = True
    idle: int | None = None
    interval: int | None = None
    count: int | None = None
    user_timeout: float | None = None


class Sentinel(msgspec.Struct, frozen=True):
    """A host that is asked for nothing but a TCP connection, to see whether there is a network."""

    host: str
    port: int


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When failures are taken for our own network's: `hosts` and `share` of all, newly failing `within` milliseconds.

    `hold` (ms): for how long a failure may wait until it is clear which it is. `direct`: a host that is watched may be
    asked for a connection, for there is no proxy that checks go by.
    """

    enabled: bool = True
    hosts: int = 5
    share: float = 0.5
    within: int = 30_000
    hold: int = 2_000
    sentinels: tuple[Sentinel, ...] = ()
    direct: bool = True


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the shared client as a whole; None leaves the client's own default."""

    max_connections: int | None = None
    max_connections_per_origin: int | None = None
    max_handshakes: int | None = None
    max_age: float | None = None
    max_uses: int | None = None
    resolver: str = "ares"
    addresses: AddressSettings = AddressSettings()
    keepalive: KeepAliveSettings = KeepAliveSettings()
    proxy_from_environment: bool = False


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """At most `count` letters in any `per` milliseconds."""

    count: int
    per: int


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as configured. `options` are its kind's; one delivery may take `timeout` seconds."""

    name: str
    kind: str
    options: msgspec.Struct
    rate: Rate | None = None
    timeout: float = 15.0


class HeartbeatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A URL to visit every `interval` seconds for as long as Milkrun is really checking; whoever knows it can lie."""

    url: str
    interval: float = 60.0
    timeout: float = 10.0

    def __repr__(self) -> str:
        return f"HeartbeatSettings(url=<hidden>, interval={self.interval!r}, timeout={self.timeout!r})"

    def __rich_repr__(self) -> list[tuple[str, float]]:  # else msgspec's own shows every field
        return [("interval", self.interval), ("timeout", self.timeout)]


class AlertingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what. Names of channels and of routes are unique; every channel a route names is there."""

    channels: tuple[ChannelSettings, ...] = ()
    routes: tuple[Route, ...] = ()
    heartbeat: HeartbeatSettings | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process runs by."""

    endpoints: tuple[Endpoint, ...] = ()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    client: ClientSettings = ClientSettings()
    network: NetworkSettings = NetworkSettings()
    rdap: str | None = None
    alerting: AlertingSettings = AlertingSettings()
    slos: tuple[SharedObjective, ...] = ()
    location: str = "local"
    data: str = "data"
    warnings: tuple[str, ...] = ()
