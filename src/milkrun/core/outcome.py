"""The vocabulary of verdicts: what a check can come to, and the words for why.

A failure says in which *layer* (the phase it died in) and of which *kind*. The table below is the whole
vocabulary; a pair that is not in it cannot be built, so no part of Milkrun can invent a word of its own.
"""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """One check's verdict; also an endpoint's state, after thresholds."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Layer(StrEnum):
    """The phase in which a check died; `self` is Milkrun's own trouble, never the target's."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"
    PROTOCOL = "protocol"
    BODY = "body"
    REDIRECT = "redirect"
    SELF = "self"


FAILURE_KINDS: dict[Layer, frozenset[str]] = {
    Layer.DNS: frozenset({"not-found", "no-address", "server-failure", "timeout"}),
    Layer.CONNECT: frozenset({"refused", "unreachable", "reset", "denied", "timeout"}),
    Layer.TLS: frozenset({"expired", "hostname", "untrusted", "not-tls", "alert", "closed", "timeout"}),
    Layer.SEND: frozenset({"closed", "reset", "timeout"}),
    Layer.WAIT: frozenset({"closed", "reset", "timeout"}),
    Layer.RECEIVE: frozenset({"closed", "reset", "truncated", "timeout"}),
    Layer.PROTOCOL: frozenset({"bad-status-line", "bad-header", "bad-framing", "header-too-large"}),
    Layer.BODY: frozenset({"too-large", "bad-encoding"}),
    Layer.REDIRECT: frozenset({"loop", "limit"}),
    Layer.SELF: frozenset({"descriptors", "ports", "overload", "network", "overrun", "proxy", "credentials"}),
}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a check got no complete answer: where it died, how, and one sentence for a person."""

    layer: Layer
    kind: str
    message: str

    def __post_init__(self) -> None:
        if self.kind not in FAILURE_KINDS[self.layer]:
            raise ValueError(f"{self.layer}/{self.kind} is not in the vocabulary of failures")
