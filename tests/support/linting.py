"""Sources that say in their own comments what the linter finds in them: `#! MRC001` at the end of the line."""

import re
from textwrap import dedent

from milkrun.client.lint import check

Found = list[tuple[int, str]]


def expected(source: str) -> Found:
    """The lines and codes that the source's comments announce."""
    lines = enumerate(dedent(source).splitlines(), start=1)
    return [(number, code) for number, line in lines for code in re.findall(r"MRC\d{3}", line.partition("#! ")[2])]


def found(source: str, path: str = "app.py") -> Found:
    """The lines and codes that are found."""
    return [(finding.line, finding.code) for finding in check(dedent(source).encode(), path)]
