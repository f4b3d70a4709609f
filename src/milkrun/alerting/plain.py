"""Text of others (names, causes, bodies) made fit for a line of a message: nothing unseen, no end. Pure."""

import unicodedata

CUT = "…"
# Cc are control characters and line breaks; Cf among others turn the direction of what follows; Cs cannot be sent.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str) -> str:
    """One line: what cannot be seen is a space, and spaces in a row are one."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join("".join(" " if unicodedata.category(char) in _UNSHOWN else char for char in text).split())


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where one ends in the second half, with a mark of the cut."""
    if len(text) <= limit:
        return text
    kept = text[: max(limit - len(CUT), 0)]
    words, space, _ = kept.rpartition(" ")
    return (words if space and len(words) * 2 >= limit else kept).rstrip(" ,;:—") + CUT


def line(text: str, limit: int) -> str:
    """`plain` and `shorten` in one."""
    return shorten(plain(text), limit)
