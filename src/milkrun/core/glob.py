r"""Globs, for `pat(…)`: `*` any run of characters, `?` any one, `[a-z]` and `[^a-z]` one of a class, `\x` x itself.

Unlike a file name's, a `*` crosses slashes. Matching never backtracks: each piece between two stars has a fixed
length and is looked for once, from left to right, which finds a match if there is any.
"""

import re
from collections.abc import Iterator

# One character of text each: an escaped one, a class with at least one member, or any other but the star.
_ATOM = re.compile(r"\\(?P<escaped>.)|\[(?P<not>\^?)(?P<members>(?:\\.|[^\]\\])+)\]|(?P<plain>[^*\[\\])", re.DOTALL)
_MEMBERS = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)


class Glob:
    """A compiled glob. Raises ValueError, saying what is wrong, for one that cannot be read."""

    __slots__ = ("_first", "_last", "_middle", "_width", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        pieces = list(_pieces(pattern))
        self._first = _compile(pieces[0])
        self._middle = [_compile(piece) for piece in pieces[1:-1] if piece]
        self._last = _compile(pieces[-1]) if len(pieces) > 1 else None
        self._width = len(pieces[-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is what the glob describes."""
        if self._last is None:
            return self._first.fullmatch(text) is not None
        found = self._first.match(text)
        for piece in self._middle:
            if found is None:
                return False
            found = piece.search(text, found.end())
        tail = len(text) - self._width
        return found is not None and tail >= found.end() and self._last.match(text, tail) is not None


def _compile(atoms: list[str]) -> re.Pattern[str]:
    return re.compile("".join(atoms), re.DOTALL)


def _pieces(pattern: str) -> Iterator[list[str]]:
    """The regular expressions of single characters, in the pieces that stars divide the pattern into."""
    piece: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "*":
            yield piece
            piece = []
            at += 1
            continue
        atom = _ATOM.match(pattern, at)
        if atom is None:
            what = "a character after the backslash" if pattern[at] == "\\" else "a class with its end, like [a-z]"
            raise ValueError(f"expected {what} at character {at + 1} of the pattern")
        piece.append(_expression(atom))
        at = atom.end()
    yield piece


def _expression(atom: re.Match[str]) -> str:
    if atom["escaped"] is not None:
        return re.escape(atom["escaped"])
    if atom["members"] is not None:
        members = _MEMBERS.findall(atom["members"])
        return f"[{atom['not']}{''.join(_range(low[-1], high[-1:] or low[-1]) for low, high in members)}]"
    return "." if atom["plain"] == "?" else re.escape(atom["plain"])


def _range(low: str, high: str) -> str:
    if high < low:
        raise ValueError(f"expected a class range from low to high, not {low}-{high}")
    return f"{_member(low)}-{_member(high)}"


def _member(character: str) -> str:
    """Written by code point, because a class has its own rules on what needs a backslash."""
    return f"\\U{ord(character):08x}"
