"""What the linter has to say: findings, and files that could not be checked."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A mistake at a place; lines and columns count from 1, columns in characters."""

    path: str
    line: int
    column: int
    code: str
    name: str
    message: str
    fix: str
    end_line: int
    end_column: int
    source: str
    """The line as it stands in the file, without its end."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A path that could not be checked; `line` is 0 where there is none to name."""

    path: str
    line: int = 0
    message: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all the paths, in the order of paths and lines."""

    findings: list[Finding]
    problems: list[Problem]
    files: int
    """How many were looked at, those without a client in them included."""
