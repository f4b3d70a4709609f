"""Checks paths: every file that can be read, whatever is wrong with the others."""

import sys
from collections.abc import Sequence
from pathlib import Path

from milkrun.client.lint.checking import UncheckedError, check
from milkrun.client.lint.files import STANDARD_INPUT, Files, shown
from milkrun.client.lint.finding import Finding, Problem, Report
from milkrun.client.lint.rules import RULES


def lint(paths: Sequence[str], *, codes: frozenset[str] = frozenset(RULES), exclude: Sequence[str] = ()) -> Report:
    """Check files and folders; `-` is what comes on standard input. Blocks while it reads."""
    findings: list[Finding] = []
    problems: list[Problem] = []
    count = 0
    for path in Files(exclude, problems.append).under(paths):
        count += 1
        try:
            findings += check(_read(path), _named(path), codes)
        except UncheckedError as err:
            problems.append(err.problem)
        except OSError as err:
            problems.append(Problem(path=shown(path), message=f"not read: {err.strerror}"))
    return Report(findings=findings, problems=sorted(problems), files=count)


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else path.read_bytes()


def _named(path: Path) -> str:
    return "<stdin>" if str(path) == STANDARD_INPUT else shown(path)
