"""Reading WWW-Authenticate (RFC 9110 11.6.1). Whatever a server wrote, this gives what can be read and never raises."""

import re
from collections.abc import Iterable

import msgspec

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_END = r"(?=[ \t]*+(?:,|$))"
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
# Possessive throughout: what a field is made of must not decide how long it takes to read it.
_PIECE = re.compile(
    rf"""
        [ \t,]++
      | (?P<name>{_WORD}+)[ \t]*+=[ \t]*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^\s,"]*+)){_END}
      | (?P<scheme>{_WORD}+)(?:[ \t]++[A-Za-z0-9._~+/-]++=*+{_END})?+(?=[ \t,]|$)
      | [^,]+   # not to be read: go on behind the next comma
    """,
    re.VERBOSE | re.DOTALL,
)


class Challenge(msgspec.Struct, frozen=True, gc=False):
    """One way in that a server offers: scheme and parameter names in lower case, values unquoted; no token68."""

    scheme: str
    parameters: dict[str, str]


def challenges(fields: Iterable[str]) -> list[Challenge]:
    """Every challenge of these field values, in order. Also reads an Authorization, which has the same grammar."""
    found: list[Challenge] = []
    for field in fields:
        current: dict[str, str] | None = None  # a parameter before the first scheme belongs to nothing
        for piece in _PIECE.finditer(field):
            if piece["scheme"] is not None:
                current = {}
                found.append(Challenge(piece["scheme"].lower(), current))
            elif piece["name"] is not None and current is not None:
                current.setdefault(piece["name"].lower(), _value(piece))
    return found


def parameters(field: str) -> dict[str, str]:
    """The parameters of a field that has no scheme, as Authentication-Info (RFC 7615 3)."""
    pieces = [piece for piece in _PIECE.finditer(field) if piece["name"] is not None]
    return {piece["name"].lower(): _value(piece) for piece in reversed(pieces)}  # the first of each name counts


def _value(piece: re.Match[str]) -> str:
    quoted = piece["quoted"]
    return piece["plain"] if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
