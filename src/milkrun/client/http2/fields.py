"""Header fields between HTTP/1.1's way of writing and HTTP/2's (RFC 9113 8.2, 8.3)."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from hpack import HeaderTuple, NeverIndexedHeaderTuple

from milkrun.client.errors import RequestError
from milkrun.client.request import PreparedRequest

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

# Fields of HTTP/1.1's framing, which HTTP/2 does in its own way and forbids (8.2.2).
_FORBIDDEN = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_SENSITIVE = frozenset({b"authorization", b"proxy-authorization", b"cookie"})  # never to be indexed (RFC 7541 7.1.3)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_VALUE = re.compile(rb"[\r\n\0]|\A[ \t]|[ \t]\Z")
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_MOST_NAMES = 1000

_names: set[bytes] = set()  # those judged and found good, up to so many: nearly every response has the same ones


def request_fields(request: PreparedRequest) -> list[HeaderTuple]:
    """The header list of a request."""
    url, target = request.url, request.options.target
    authority = url.origin.authority.encode("ascii")
    fields: list[HeaderTuple] = []
    for written, value in request.fields:
        name = written.lower()
        if name == b"host":
            authority = value
        elif name not in _FORBIDDEN and (name != b"te" or value.lower() == b"trailers"):
            field = NeverIndexedHeaderTuple if name in _SENSITIVE else HeaderTuple
            fields.append(field(name, value.strip(b" \t")))
    return [
        HeaderTuple(b":method", request.method.encode("ascii")),
        HeaderTuple(b":scheme", url.origin.scheme.encode("ascii")),
        HeaderTuple(b":authority", authority),
        HeaderTuple(b":path", (url.target if target is None else target).encode("ascii")),
        *fields,
    ]


def read_head(pairs: Pairs) -> tuple[int, bytes]:
    """Status and head of a response, the head as HTTP/1.1 writes it: what reads heads need not know of HTTP/2.

    Raises RequestError, protocol/bad-status-line or bad-header.
    """
    name, status = pairs[0] if pairs else (b"", b"")
    if name != b":status" or not _STATUS.fullmatch(status):
        message = f"the response begins with {name[:40]!r}: {status[:40]!r}; expected a status of three digits"
        raise RequestError("protocol", "bad-status-line", message, phase="wait")
    fields = pairs[1:]
    judge(fields, "wait")
    lines = [b"%b: %b" % field for field in fields]
    return int(status), b"\r\n".join((b"HTTP/2 %b " % status, *lines, b"", b""))


def judge(fields: Pairs, phase: str) -> None:
    """Raise RequestError, protocol/bad-header, if one of the fields may not be (8.2.1)."""
    for name, value in fields:
        if name not in _names:
            _judge_name(name, phase)
        if _BAD_VALUE.search(value):
            message = f"the value of {name[:60]!r} is {value[:60]!r}; it may not be in a header"
            raise RequestError("protocol", "bad-header", message, phase=phase)


def _judge_name(name: bytes, phase: str) -> None:
    if name in _FORBIDDEN or not _NAME.fullmatch(name):
        raise RequestError("protocol", "bad-header", f"HTTP/2 has no header field {name[:60]!r}", phase=phase)
    if len(_names) < _MOST_NAMES:
        _names.add(name)
