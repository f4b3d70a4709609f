"""What is known of the connection a response came over."""

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A certificate's facts; times are epoch seconds, names are the subject alternative names."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    names: tuple[str, ...] = ()
    self_signed: bool = False


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A TLS session, or as much of it as was seen before the handshake failed.

    Attributes:
        version, cipher, alpn: what was agreed.
        certificate: the server's own.
        chain: all that the server sent, its own first, then in the order sent; those that cannot be read left out.
        earliest_expiry: when the first certificate of the chain expires, in epoch seconds.
    """

    version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    certificate: Certificate | None = None
    chain: tuple[Certificate, ...] = ()
    earliest_expiry: float | None = None


class ProxyFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The proxy a connection leads through.

    Attributes:
        url: of the proxy, without credentials.
        peer: "ip:port" of the proxy itself.
        dns, connect, tls: seconds of the way to it; together they are the phase `proxy`.
        tunnel: seconds until it had connected to the target; that is the phase `connect`.
        session: the TLS session with the proxy itself, None if there is none.
    """

    url: str
    peer: str
    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    tunnel: float = 0.0
    session: TlsFacts | None = None


class AnswerFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was seen of a response: its status, HTTP version ("1.1") and the bytes of body received so far."""

    status: int
    version: str
    bytes: int


class ConnectionFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The connection of one exchange.

    Attributes:
        reused, age, uses: whether it was warm, its age in seconds, the exchanges before this one.
        peer: "ip:port", or "unix:path"; behind a proxy what the proxy was asked for, "host:port".
        address: the target's own address, None where this side does not know it (proxy, unix socket).
        tls: the session with the target.
        proxy: the proxy it leads through, if any.
    """

    reused: bool
    age: float
    uses: int
    peer: str | None
    address: str | None
    tls: TlsFacts | None = None
    proxy: ProxyFacts | None = None
