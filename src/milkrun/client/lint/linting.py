"""Checks paths: every file that can be read, whatever is wrong with the others."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from milkrun.client.lint.checking import builds, check
from milkrun.client.lint.files import STANDARD_INPUT, Files, shown
from milkrun.client.lint.finding import Finding, Problem, Report
from milkrun.client.lint.handing import NOBODY, handed, hands
from milkrun.client.lint.reading import UncheckedError
from milkrun.client.lint.rules import RULES


def lint(paths: Sequence[str], *, codes: frozenset[str] = frozenset(RULES), exclude: Sequence[str] = ()) -> Report:
    """Check files and folders; `-` is what comes on standard input. Blocks while it reads."""
    findings: list[Finding] = []
    problems: list[Problem] = []
    sources, count = _of_interest(Files(exclude, problems.append).under(paths), problems)
    everybody = NOBODY.union(*(handed(source, path) for path, source in sources))
    for path, source in sources:
        try:
            findings += check(source, path, codes, handed=everybody)
        except UncheckedError as err:
            problems.append(err.problem)
    return Report(findings=findings, problems=sorted(problems), files=count)


def _of_interest(paths: Iterable[Path], problems: list[Problem]) -> tuple[list[tuple[str, bytes]], int]:
    """Name and content of the files that have anything to say, and how many there are in all."""
    count, found = 0, []
    for path in paths:
        count += 1
        try:
            source = _read(path)
        except OSError as err:
            problems.append(Problem(path=shown(path), message=f"not read: {err.strerror}"))
        else:
            if builds(source) or hands(source):
                found.append((_named(path), source))
    return found, count


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else path.read_bytes()


def _named(path: Path) -> str:
    return "<stdin>" if str(path) == STANDARD_INPUT else shown(path)
