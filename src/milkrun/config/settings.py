"""What a configuration comes to: frozen values, with every default written once."""

import msgspec

from milkrun.core.endpoint import Endpoint


class BasicAuth(msgspec.Struct, frozen=True, kw_only=True):
    """`security.basic` as Gatus has it: a user and the base64 of a bcrypt hash (kept as the hash)."""

    username: str
    password_bcrypt: bytes

    def __repr__(self) -> str:
        return f"BasicAuth(username={self.username!r}, password_bcrypt=<hidden>)"


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much history is kept: `retention` in seconds, `max_size` in bytes."""

    retention: float = 7 * 86_400.0
    max_size: int = 5_000_000_000


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where pages are served. `allowed_hosts` adds to the host names that loopback always answers to."""

    host: str = "127.0.0.1"
    port: int = 8090
    allowed_hosts: tuple[str, ...] = ()
    basic: BasicAuth | None = None
    allow_unauthenticated: bool = False


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The shared client's limits; None leaves the client's own default."""

    max_connections: int | None = None
    max_connections_per_origin: int | None = None
    max_handshakes: int | None = None
    max_age: float | None = None
    resolver: str = "ares"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process runs by."""

    endpoints: tuple[Endpoint, ...] = ()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    client: ClientSettings = ClientSettings()
    location: str = "local"
    data: str = "data"
    warnings: tuple[str, ...] = ()
