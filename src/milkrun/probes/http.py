"""The http kind: its options, as a configuration gives them."""

from enum import StrEnum

import msgspec


class Redirects(StrEnum):
    """Which redirects a check follows."""

    OFF = "off"
    SAME_ORIGIN = "same-origin"
    ALL = "all"


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an http check sends and how. `max_age` is seconds (None: the client's default); `fresh`: a new
    connection for every check."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    insecure: bool = False
    redirects: Redirects = Redirects.ALL
    max_age: float | None = None
    fresh: bool = False
