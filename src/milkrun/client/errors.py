"""Everything the client raises. One root; layer, kind and phase are data; the cause is kept.

Two families: `RequestError`s are what became of a request (each with layer and kind, the words of the table
below), `UsageError`s are mistakes of the caller's and say what to do instead.
"""

from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.timings import Timings

KINDS: dict[str, frozenset[str]] = {
    "dns": frozenset({"not-found", "no-address", "server-failure", "timeout"}),
    "connect": frozenset({"refused", "unreachable", "reset", "denied", "timeout"}),
    "tls": frozenset({"expired", "hostname", "untrusted", "not-tls", "alert", "closed", "timeout"}),
    "send": frozenset({"closed", "reset", "timeout"}),
    "wait": frozenset({"closed", "reset", "timeout"}),
    "receive": frozenset({"closed", "reset", "truncated", "timeout"}),
    "protocol": frozenset({"bad-status-line", "bad-header", "bad-framing", "header-too-large"}),
    "body": frozenset({"too-large", "bad-encoding"}),
    "redirect": frozenset({"loop", "limit"}),
    "self": frozenset({"descriptors", "ports", "overload", "network", "overrun", "proxy", "credentials"}),
}


class ClientError(Exception):
    """The root of everything the client raises."""


class UsageError(ClientError):
    """The client was used wrongly: another loop, after close, a URL that is none. The message says what to do."""


class RequestError(ClientError):
    """A request came to no complete response.

    Attributes:
        layer, kind: the words of `KINDS`.
        phase: the phase of `Timings` it struck in ("queue", "dns", …, "receive").
        timings: how far it got.
        connection, answer: what was seen of the connection and of the response before it failed, else None.
        stale_retry: whether it failed on the fresh connection that replaced a stale one.
        warnings: what was read although it should not have been sent so.
    """

    def __init__(self, layer: str, kind: str, message: str, *, phase: str | None = None) -> None:
        if kind not in KINDS[layer]:
            raise ValueError(f"{layer}/{kind} is not in the vocabulary of failures")
        super().__init__(message)
        self.layer = layer
        self.kind = kind
        self.message = message
        self.phase = phase or layer
        self.timings = Timings()
        self.connection: ConnectionFacts | None = None
        self.answer: AnswerFacts | None = None
        self.stale_retry = False
        self.warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.layer}/{self.kind}: {self.message}"


class RequestTimeoutError(RequestError):
    """The one deadline of the request struck; `layer` says in which phase."""

    def __init__(self, layer: str, message: str, *, phase: str | None = None) -> None:
        kind = "overload" if layer == "self" else "timeout"
        super().__init__(layer, kind, message, phase=phase)


class OwnError(RequestError):
    """Milkrun's side failed (descriptors, ports, overload): nothing is said about the target."""

    def __init__(self, kind: str, message: str, *, phase: str) -> None:
        super().__init__("self", kind, message, phase=phase)
