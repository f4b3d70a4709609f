"""Answers without what may be a secret: what a header or a key calls itself decides, whatever its value looks like.

All of it takes time in proportion to the text, whatever a server sends: repetitions never give back what they took.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

HIDDEN = "(hidden)"

# An author, or an authority, is no secret.
_WORDS = (
    "auth(?!or(?!i[sz]))",
    "cookie",
    "credential",
    "passw",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
    "(?:api|private|access)[-_]?key",
)
_SECRET = re.compile("|".join(_WORDS), re.IGNORECASE)
# A JSON member, its value whole or cut off by the end. A value that is an object or a list has members of its own.
_MEMBER = re.compile(r'("((?:[^"\\]|\\.){0,64}+)"\s*+:\s*+)("(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[^\s"{\[,}\]]++)')
# A form's or a log line's.
_PAIR = re.compile(r"(?<![\w.-])(([\w.-]++)=)[^\s&;,\"'<>]++")
# A member of an object in a list, as conditions show one.
_MAPPED = re.compile(r"(?<=[\[ ])(([\w.-]++):)[^\s\]]++")
# Credentials of HTTP, and JSON Web Tokens, wherever they stand.
_SCHEME = re.compile(r"(\b(Bearer|Basic)\s++)[\w.~+/=-]{8,}+", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]++\.[\w-]*+(?:\.[\w-]*+)?")


def is_secret(name: str) -> bool:
    """Whether a header or a key of this name holds what nobody should see."""
    return _SECRET.search(name) is not None


def masked_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """All headers, those with secrets without their values."""
    return tuple([(name, HIDDEN if is_secret(name) else masked_text(value)) for name, value in headers.items()])


def masked_text(text: str) -> str:
    """A text without the values of keys that hold secrets, as JSON, forms and logs have them."""
    if is_secret(text):  # else none of its keys is
        text = _PAIR.sub(_masked, _MEMBER.sub(_masked, text))
        text = _MAPPED.sub(_masked, text) if "map[" in text else text
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME.sub(rf"\1{HIDDEN}", text)
    return _JWT.sub(HIDDEN, text) if "eyJ" in text else text


def without(forms: Iterable[str], text: str) -> str:
    """A text without these values, longest first."""
    for form in forms:
        text = text.replace(form, HIDDEN)
    return text


def _masked(found: re.Match[str]) -> str:
    return found[1] + HIDDEN if _is_secret_key(found[2]) else found[0]


# The same few keys come again and again: in every member of a list, and in the answers of thousands that fail at once.
_is_secret_key = lru_cache(maxsize=1_000)(is_secret)
