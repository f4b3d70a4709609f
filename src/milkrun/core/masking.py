"""Answers without what may be a secret: what a header or a key calls itself decides, whatever its value looks like."""

import re
from collections.abc import Iterable, Mapping

HIDDEN = "(hidden)"

_WORDS = (
    r"(?:auth|cookie|credential|passw|pwd|secret|session|signature|token|api[_-]?key|private[_-]?key|access[_-]?key)"
)
_NAME = re.compile(_WORDS, re.IGNORECASE)
_RULES = (
    # A JSON member, its value whole or cut off by the end; nested values are looked into for members of their own.
    (
        re.compile(rf'("[^"\\]*{_WORDS}[^"\\]*"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s"{{\[,}}\]]+)', re.IGNORECASE),
        r"\1",
    ),
    # A form's or a log line's.
    (re.compile(rf"(\b[\w.-]*{_WORDS}[\w.-]*=)([^\s&;,\"'<>]+)", re.IGNORECASE), r"\1"),
    (re.compile(r"(\b(?:Bearer|Basic)\s+)([\w.~+/=-]{8,})", re.IGNORECASE), r"\1"),
    # A JSON Web Token, wherever it stands.
    (re.compile(r"()\beyJ[\w-]+\.[\w-]*\.?[\w-]*"), r"\1"),
)


def is_secret(name: str) -> bool:
    """Whether a header or a key of this name holds what nobody should see."""
    return _NAME.search(name) is not None


def masked_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """All headers, those with secrets without their values."""
    return tuple([(name, HIDDEN if is_secret(name) else masked_text(value)) for name, value in headers.items()])


def masked_text(text: str) -> str:
    """A text without the values of keys that hold secrets, as JSON, forms and logs have them."""
    for pattern, kept in _RULES:
        text = pattern.sub(kept + HIDDEN, text)
    return text


def without(forms: Iterable[str], text: str) -> str:
    """A text without these values, longest first."""
    for form in forms:
        text = text.replace(form, HIDDEN)
    return text
