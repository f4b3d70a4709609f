"""`# noqa` comments, by line. Read as tokens, so that the same words in a string suppress nothing."""

import io
import re
import tokenize
from collections.abc import Iterable
from functools import cached_property

_NOQA = re.compile(r"#\s*noqa\b(?P<codes>\s*:\s*[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)

# What a comment says that names no code.
EVERYTHING = frozenset({"*"})


class Suppressions:
    """The codes that each line of a file suppresses; a comment for other linters suppresses nothing of ours."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _codes(self) -> dict[int, frozenset[str]]:
        """Read when there is something to suppress: tokens cost more than all else."""
        codes = {}
        for token in tokenize.generate_tokens(io.StringIO(self._text, newline=None).readline):
            if token.type == tokenize.COMMENT and (found := _NOQA.search(token.string)):
                said = frozenset(code.upper() for code in _CODE.findall(found["codes"] or ""))
                codes[token.start[0]] = said or EVERYTHING
        return codes

    def covers(self, code: str, lines: Iterable[int]) -> bool:
        """Whether a comment on one of these lines suppresses this rule."""
        said = (self._codes.get(line, frozenset()) for line in lines)
        return any(code in codes or codes is EVERYTHING for codes in said)
