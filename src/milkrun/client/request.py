"""Requests: judged and turned into bytes once, sent again and again."""

import re
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from milkrun.client.auth import Auth, Basic, Bearer
from milkrun.client.coding import ACCEPT_ENCODING
from milkrun.client.dial.route import Route
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.errors import UsageError
from milkrun.client.url import Url

if TYPE_CHECKING:  # a request only keeps what others call
    from milkrun.client.events import Hook

HeaderTypes: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
Stream: TypeAlias = AsyncIterable[bytes] | Iterable[bytes]
Content: TypeAlias = bytes | bytearray | memoryview | str | Stream | None
Redirects: TypeAlias = Literal["off", "same-origin", "all"]
BodyUse: TypeAlias = Literal["read", "drain"]
Http2: TypeAlias = bool | Literal["prior-knowledge"]
AuthTypes: TypeAlias = Auth | Basic | Bearer | tuple[str, str]

# RFC 9110 9.2.2: sending one of these twice has the effect of sending it once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
# RFC 9110 8.6: without content these say so, for their meaning expects some.
_EXPECT_CONTENT = frozenset({"POST", "PUT", "PATCH"})
# The header fields that frame the message, which are the client's own to set.
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
LINE_BREAK = re.compile(r"[\r\n\0]")
_TARGET = re.compile(r"[\x21-\x7e]+")
_LENGTH = re.compile(r"[0-9]{1,19}")
NO_LIMIT = sys.maxsize


class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request asks of the client beyond its bytes.

    Attributes:
        redirects: which are followed: none ("off"), those to the same origin, all.
        tls: how the server's certificate is judged, what is shown to the server, what is spoken inside.
        route: how the origin is reached.
        http2: whether HTTP/2 is spoken where the server can (by ALPN), or without asking ("prior-knowledge").
        auth: credentials of a scheme that has to learn before it can say anything.
        target: the request target to send instead of the URL's.
        max_age: seconds a connection may be old to be used; None: the client's default.
        max_uses: how many requests a connection may carry.
        fresh: the request has a connection of its own, the name resolved anew, closed afterwards.
        drain: nobody needs the body, so it is discarded up to a bound, then given up.
        max_body: the most bytes of body, before and after decoding; beyond it body/too-large. The bound of a drain.
        hooks: the event hooks that are told of it.
    """

    redirects: Redirects
    tls: TlsOptions
    route: Route
    http2: Http2
    auth: Auth | None
    target: str | None
    max_age: float | None
    max_uses: int
    fresh: bool
    drain: bool
    max_body: int
    hooks: tuple["Hook", ...]


class PreparedRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request as bytes, with what is needed to send it and to follow its redirects.

    Attributes:
        method, url, headers, content: as given; the URL without credentials when shown.
        fields: all header fields as they are sent, those of HTTP/1.1's framing included.
        data: head and content as they go on the wire of HTTP/1.1; the head alone if the content is streamed.
        key: what connections are pooled by: origin, TLS options, route.
        idempotent: whether a stale connection may be answered with a second try.
        streamed, chunked: whether the content comes in pieces, and whether they are framed as chunks.
        special: whether it needs more than an exchange on a warm connection: then it goes the long way.
        head_only, drain, max_body, max_age, max_uses, fresh: what the hot path reads, close at hand. Fields are in the
            order of use, the hot ones together in the processor's cache.
    """

    key: str
    special: bool
    max_age: float | None
    data: bytes
    head_only: bool
    max_body: int
    drain: bool
    fresh: bool
    max_uses: int
    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    content: bytes | Stream | None
    fields: tuple[tuple[bytes, bytes], ...]
    options: Options
    idempotent: bool
    streamed: bool
    chunked: bool

    @property
    def may_share(self) -> bool:
        """Whether its connection may turn out to be one that carries many exchanges at once."""
        http2 = self.options.http2
        return http2 == "prior-knowledge" or (http2 and self.url.origin.scheme == "https")

    @property
    def target(self) -> str:
        """What the request line asks for."""
        return self.url.target if self.options.target is None else self.options.target

    @property
    def is_replayable(self) -> bool:
        """Whether it can be sent again: what came as a stream is gone."""
        return self.content is None or isinstance(self.content, bytes)

    @property
    def length(self) -> int | None:
        """How many bytes a streamed content promises to have, if it does."""
        return next((int(value) for name, value in self.fields if name.lower() == b"content-length"), None)

    @property
    def expects_continue(self) -> bool:
        """Whether the content waits for the server's word (RFC 9110 10.1.1)."""
        return any(name.lower() == b"expect" for name, _ in self.fields)

    def takes_over(self, status: int) -> bool:
        """Whether a response with this status hands the connection over (RFC 9110 7.8, 9.3.6)."""
        if self.method == "CONNECT":
            return 200 <= status < 300
        return status == 101 and any(name.lower() == b"upgrade" for name, _ in self.fields)

    def __repr__(self) -> str:
        return f"<PreparedRequest {self.method} {self.url.text}>"  # headers may hold secrets


def build(
    method: str,
    url: Url,
    *,
    headers: HeaderTypes,
    content: Content,
    options: Options,
    user_agent: str,
    verbatim: bool = False,
) -> PreparedRequest:
    """Judge and serialise. Raises UsageError for what cannot be a request line, a field or a framing.

    `verbatim`: the header fields are all there is, those of the framing included; else they are added to.
    """
    if not TOKEN.fullmatch(method):
        raise UsageError(f"{method!r} is no HTTP method; expected a word such as GET")
    pairs = tuple(headers.items() if isinstance(headers, Mapping) else headers)
    given = {name.lower() for name, _ in pairs}
    payload = _payload(content)
    if verbatim:
        payload = b"" if payload is None else payload  # which may be framed as chunks
        defaults, chunked = dict[str, str](), _is_chunked(pairs, payload)
    else:
        _judge_framing(pairs, given, streamed=payload is not None and not isinstance(payload, bytes))
        defaults = _defaults(method, url, given, payload, options, user_agent)
        chunked = "Transfer-Encoding" in defaults
    # Who asks for the server's word before the content goes out (RFC 9110 10.1.1) has it sent apart from the head.
    streamed = chunked or (bool(payload) and ("expect" in given or not isinstance(payload, bytes)))
    fields = tuple(_field(*pair) for pair in (*defaults.items(), *pairs))
    return PreparedRequest(
        method=method,
        url=url,
        headers=pairs,
        content=payload,
        fields=fields,
        options=options,
        data=_head(method, url, fields, options) + (payload if isinstance(payload, bytes) and not streamed else b""),
        key=_key(url, options),
        idempotent=method in IDEMPOTENT,
        head_only=method == "HEAD",
        drain=options.drain,
        max_body=options.max_body,
        max_age=options.max_age,
        max_uses=options.max_uses,
        fresh=options.fresh,
        streamed=streamed,
        chunked=chunked,
        special=streamed or method == "CONNECT" or "upgrade" in given or _is_special(options),
    )


def with_field(request: PreparedRequest, name: str, value: str) -> PreparedRequest:
    """The same request with one more header field, which is not among its `headers`: those go on with a redirect."""
    field = _field(name, value)
    head, _, content = request.data.partition(b"\r\n\r\n")
    return msgspec.structs.replace(
        request,
        fields=(*request.fields, field),
        data=b"%b\r\n%b: %b\r\n\r\n%b" % (head, *field, content),
    )


def _is_chunked(pairs: tuple[tuple[str, str], ...], payload: bytes | Stream | None) -> bool:
    """Whether these fields frame a message's content as chunks; they have to frame it, and to name a host.

    Raises UsageError where they do not (RFC 9112 3.2, 6.1, 6.2).
    """
    hosts, codings, lengths = (_values(pairs, name) for name in ("host", "transfer-encoding", "content-length"))
    if len(hosts) != 1:
        raise UsageError(f"the request has {len(hosts)} 'Host' headers; expected one")
    if codings:
        if lengths or [coding.lower() for coding in codings] != ["chunked"]:
            raise UsageError("the header 'Transfer-Encoding' can only be 'chunked', and without a 'Content-Length'")
        return True
    _judge_lengths(lengths)
    known = payload or b""
    if isinstance(known, bytes):
        if len(known) != int(lengths[0] if lengths else 0):
            raise UsageError(f"the content has {len(known)} bytes; its Content-Length says {', '.join(lengths) or 0}")
    elif not lengths:
        raise UsageError("the content is a stream without a 'Content-Length' or 'Transfer-Encoding' header")
    return False


def _payload(content: object) -> bytes | Stream | None:
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytearray | memoryview):  # which may change before it is sent
        return bytes(content)
    if content is None or isinstance(content, bytes):
        return content
    if isinstance(content, AsyncIterable | Iterable) and not isinstance(content, Mapping):
        return content
    raise UsageError(f"the content is a {type(content).__name__}; expected bytes, text, or an iterable of bytes")


def _is_special(options: Options) -> bool:
    return options.fresh or bool(options.hooks) or options.auth is not None


def _judge_framing(pairs: tuple[tuple[str, str], ...], given: set[str], *, streamed: bool) -> None:
    # Of a stream, only the caller can know how long it will be.
    if ours := given & (FRAMING - {"content-length"} if streamed else FRAMING):
        raise UsageError(f"the header {min(ours)!r} is the client's to set; leave it out")
    _judge_lengths(_values(pairs, "content-length"))


def _values(pairs: tuple[tuple[str, str], ...], wanted: str) -> list[str]:
    return [value for name, value in pairs if name.lower() == wanted]


def _judge_lengths(lengths: list[str]) -> None:
    if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise UsageError(f"the header 'Content-Length' is {', '.join(lengths)!r}; expected one number of bytes")


def _defaults(
    method: str, url: Url, given: set[str], payload: bytes | Stream | None, options: Options, user_agent: str
) -> dict[str, str]:
    fields = {
        "Host": url.origin.authority,
        "User-Agent": user_agent,
        "Accept": "*/*",
        "Accept-Encoding": ACCEPT_ENCODING,
    }
    if url.userinfo is not None:
        fields["Authorization"] = Basic(*url.userinfo).header
    if "upgrade" in given:
        fields["Connection"] = "Upgrade"  # RFC 9110 7.8: a hop-by-hop field is named here
    elif options.fresh:
        fields["Connection"] = "close"  # the server closes first, so TIME_WAIT is its own
    if payload is None and method in _EXPECT_CONTENT:
        fields["Content-Length"] = "0"
    elif isinstance(payload, bytes):
        fields["Content-Length"] = str(len(payload))
    elif payload is not None and "content-length" not in given:
        fields["Transfer-Encoding"] = "chunked"
    return {name: value for name, value in fields.items() if name.lower() not in given}


def _head(method: str, url: Url, fields: tuple[tuple[bytes, bytes], ...], options: Options) -> bytes:
    target = url.target if options.target is None else options.target
    if not _TARGET.fullmatch(target):
        raise UsageError(f"{target!r} is no request target; expected visible ASCII characters without a space")
    lines = [f"{method} {target} HTTP/1.1".encode("ascii"), *(b"%b: %b" % field for field in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    if not TOKEN.fullmatch(name):
        raise UsageError(f"{name!r} is no header name; expected letters, digits and hyphens")
    if LINE_BREAK.search(value):
        raise UsageError(f"the value of the header {name!r} contains a line break; a header is one line")
    try:
        return name.encode("ascii"), value.encode("latin-1")
    except UnicodeEncodeError:
        return name.encode("ascii"), value.encode()  # obs-text (RFC 9110 5.5): UTF-8 is what servers make of it


def _key(url: Url, options: Options) -> str:
    origin = f"{url.origin.scheme}://{url.origin.authority}"
    inside = options.tls.key if url.origin.scheme == "https" else ""
    spoken = "h2c" if options.http2 == "prior-knowledge" else ""
    return " ".join(filter(None, (origin, inside, spoken, options.route.key)))
