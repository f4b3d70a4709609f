"""`# noqa` comments, by line. Read as tokens, so that the same words in a string suppress nothing."""

import io
import re
import tokenize
from collections.abc import Iterable

_NOQA = re.compile(r"#\s*noqa(?P<codes>\s*:\s*[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)

# What a comment says that names no code.
EVERYTHING = frozenset({"*"})


class Suppressions:
    """The codes that each line of a file suppresses; a comment for other linters suppresses nothing of ours."""

    def __init__(self, text: str) -> None:
        self._codes: dict[int, frozenset[str]] = {}
        if "noqa" in text.lower():  # tokens cost more than everything else, and few files need them
            self._read(text)

    def _read(self, text: str) -> None:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (found := _NOQA.search(token.string)):
                codes = frozenset(code.upper() for code in _CODE.findall(found["codes"] or ""))
                self._codes[token.start[0]] = codes or EVERYTHING

    def covers(self, code: str, lines: Iterable[int]) -> bool:
        """Whether a comment on one of these lines suppresses this rule."""
        said = (self._codes.get(line, frozenset()) for line in lines)
        return any(code in codes or codes is EVERYTHING for codes in said)
