"""Requests: judged and turned into bytes once, sent again and again."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from milkrun.client.coding import ACCEPT_ENCODING
from milkrun.client.errors import UsageError
from milkrun.client.tls import TlsOptions
from milkrun.client.url import Url

HeaderTypes: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
Content: TypeAlias = bytes | str | None
Redirects: TypeAlias = Literal["off", "same-origin", "all"]
BodyUse: TypeAlias = Literal["read", "drain"]

# RFC 9110 9.2.2: sending one of these twice has the effect of sending it once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
# RFC 9110 8.6: without content these say so, for their meaning expects some.
_EXPECT_CONTENT = frozenset({"POST", "PUT", "PATCH"})
# The header fields that frame the message, which are the client's own to set.
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
LINE_BREAK = re.compile(r"[\r\n\0]")


class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request asks of the client beyond its bytes.

    Attributes:
        redirects: which are followed: none ("off"), those to the same origin, all.
        tls: how the server's certificate is judged.
        max_age: seconds a connection may be old to be used; None: the client's default.
        fresh: the request has a connection of its own, the name resolved anew, closed afterwards.
        drain: nobody needs the body, so it is discarded up to a bound, then given up.
        max_body: the most bytes of body, before and after decoding; beyond it body/too-large. The bound of a drain.
    """

    redirects: Redirects
    tls: TlsOptions
    max_age: float | None
    fresh: bool
    drain: bool
    max_body: int


class PreparedRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request as bytes, with what is needed to send it and to follow its redirects.

    Attributes:
        method, url, headers, content: as given; the URL without credentials when shown.
        data: head and content as they go on the wire.
        key: what connections are pooled by: origin and TLS options.
        idempotent: whether a stale connection may be answered with a second try.
        head_only, drain, max_body, max_age, fresh: what the hot path reads, close at hand. Fields are in the
            order of use, the hot ones together in the processor's cache.
    """

    key: str
    fresh: bool
    max_age: float | None
    data: bytes
    head_only: bool
    max_body: int
    drain: bool
    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    content: bytes | None
    options: Options
    idempotent: bool

    def __repr__(self) -> str:
        return f"<PreparedRequest {self.method} {self.url.text}>"  # headers may hold secrets


def build(
    method: str, url: Url, *, headers: HeaderTypes, content: Content, options: Options, user_agent: str
) -> PreparedRequest:
    """Judge and serialise. Raises UsageError for what cannot be a request line, a field or a framing."""
    if not TOKEN.fullmatch(method):
        raise UsageError(f"{method!r} is no HTTP method; expected a word such as GET")
    pairs = tuple(headers.items() if isinstance(headers, Mapping) else headers)
    payload = content.encode() if isinstance(content, str) else content
    fields = [*_defaults(method, url, pairs, payload, options, user_agent), *(_field(*pair) for pair in pairs)]
    head = f"{method} {url.target} HTTP/1.1\r\n".encode("ascii") + b"".join(fields) + b"\r\n"
    return PreparedRequest(
        method=method,
        url=url,
        headers=pairs,
        content=payload,
        options=options,
        data=head + (payload or b""),
        key=f"{url.origin.scheme}://{url.origin.authority} {options.tls.insecure:d} {options.tls.ca_file or ''}",
        idempotent=method in IDEMPOTENT,
        head_only=method == "HEAD",
        drain=options.drain,
        max_body=options.max_body,
        max_age=options.max_age,
        fresh=options.fresh,
    )


def _defaults(
    method: str,
    url: Url,
    pairs: tuple[tuple[str, str], ...],
    payload: bytes | None,
    options: Options,
    user_agent: str,
) -> list[bytes]:
    given = {name.lower() for name, _ in pairs}
    if ours := given & FRAMING:
        raise UsageError(f"the header {min(ours)!r} is the client's to set; leave it out")
    fields = {
        "Host": url.origin.authority,
        "User-Agent": user_agent,
        "Accept": "*/*",
        "Accept-Encoding": ACCEPT_ENCODING,
    }
    if url.userinfo is not None:
        fields["Authorization"] = _basic(*url.userinfo)
    if options.fresh:
        fields["Connection"] = "close"  # the server closes first, so TIME_WAIT is its own
    if payload is not None or method in _EXPECT_CONTENT:
        fields["Content-Length"] = str(len(payload or b""))
    return [_field(name, value) for name, value in fields.items() if name.lower() not in given]


def _field(name: str, value: str) -> bytes:
    if not TOKEN.fullmatch(name):
        raise UsageError(f"{name!r} is no header name; expected letters, digits and hyphens")
    if LINE_BREAK.search(value):
        raise UsageError(f"the value of the header {name!r} contains a line break; a header is one line")
    try:
        return f"{name}: {value}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        return f"{name}: {value}\r\n".encode()  # obs-text (RFC 9110 5.5): UTF-8 is what servers make of it


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
