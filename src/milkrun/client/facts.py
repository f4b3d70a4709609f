"""What is known of the connection a response came over."""

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A leaf certificate's facts; times are epoch seconds, names are the subject alternative names."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    names: tuple[str, ...] = ()
    self_signed: bool = False


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A TLS session, or as much of it as was seen before the handshake failed."""

    version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    certificate: Certificate | None = None


class AnswerFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was seen of a response: its status, HTTP version ("1.1") and the bytes of body received so far."""

    status: int
    version: str
    bytes: int


class ConnectionFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The connection of one exchange: `reused` (warm), `age` in seconds, `uses` before this one, peer "ip:port"."""

    reused: bool
    age: float
    uses: int
    peer: str | None
    address: str | None
    tls: TlsFacts | None = None
