"""What a probe saw: facts only, no verdict. `evaluate` turns an Observation into one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from milkrun.core.outcome import Failure


class Connection(StrEnum):
    """Whether a check went over a connection that was already open."""

    WARM = "warm"
    COLD = "cold"


class Timings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Seconds spent in each phase, summed over redirects; a phase that did not happen is 0.

    `queue` is time spent waiting for one of Milkrun's own limits, or for a token, and is no latency of the target's;
    `total` is everything but `queue`. Behind a proxy, `connect` is the whole way there and the proxy's connecting.
    """

    queue: float = 0.0
    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    send: float = 0.0
    wait: float = 0.0
    receive: float = 0.0
    total: float = 0.0


class Http(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer's status, HTTP version ("1.1") and body size as received, in bytes."""

    status: int
    version: str
    bytes: int


class Tls(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last hop's TLS session and leaf certificate; times are epoch seconds.

    Present also when verification failed or was switched off: the evidence of an expired certificate is
    the certificate. `chain_not_after` is when the first certificate expires of all that the server sent.
    """

    version: str | None
    cipher: str | None
    not_before: float | None
    not_after: float | None
    subject: str | None = None
    issuer: str | None = None
    names: tuple[str, ...] = ()
    chain_not_after: float | None = None


class Answer(Protocol):
    """What only the evidence of an incident needs of an answer, read when it is asked for."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields."""

    @property
    def beginning(self) -> bytes:
        """The body, or as much of it as was kept, content codings undone."""

    @property
    def is_whole(self) -> bool:
        """Whether there was no more of it."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one execution of a check saw. Times: `started` and `ended` are epoch seconds."""

    started: float
    timings: Timings
    connection: Connection | None = None
    stale_retry: bool = False
    peer: str | None = None
    address: str | None = None
    connected: bool = False
    http: Http | None = None
    tls: Tls | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    answer: Answer | None = None
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    lag: float = 0.0
    timeout: float = 0.0
