"""One file's source, checked: text to tree to findings. The code is read, never imported or run."""

import ast
import re
from pathlib import PurePath

from milkrun.client.lint.finding import Finding
from milkrun.client.lint.handing import NOBODY, Handed, names_of
from milkrun.client.lint.judging import Judge, Verdict
from milkrun.client.lint.libraries import MENTION
from milkrun.client.lint.reading import read, too_deep
from milkrun.client.lint.rules import RULES
from milkrun.client.lint.suppression import Suppressions

_LINE_END = re.compile(r"\r\n|\r|\n")  # what ends a line for Python; str.splitlines knows more
_TEST_FILE = re.compile(r"test_.*|.*_test|conftest")
_TEST_FOLDERS = frozenset({"test", "tests"})


def builds(source: bytes) -> bool:
    """Whether a file may build a client: if not, it need not be parsed."""
    return MENTION.match(source) is not None


def check(
    source: bytes, path: str, codes: frozenset[str] = frozenset(RULES), *, handed: Handed = NOBODY
) -> list[Finding]:
    """Return what breaks these rules, in the order of lines. `path` is for the findings, and tells a test file.

    `handed` is what other files use as dependencies. Raises UncheckedError for what is not Python, or not of a version
    that this interpreter reads.
    """
    if not builds(source) or _is_stub(path):
        return []
    try:
        text, module = read(source, path)
        found = list(Judge(module, is_test=is_test(path), dependencies=names_of(path, handed)).verdicts())
    except (RecursionError, MemoryError) as err:
        raise too_deep(path) from err
    findings = _Findings(path, text)
    kept = [verdict for verdict in found if verdict.rule.code in codes and not findings.is_suppressed(verdict)]
    return sorted(map(findings.of, kept))


def is_test(path: str) -> bool:
    """Whether this is a test by pytest's customs: its name, or a folder on the way to it."""
    where = PurePath(path)
    return bool(_TEST_FILE.fullmatch(where.stem)) or not _TEST_FOLDERS.isdisjoint(where.parts[:-1])


def _is_stub(path: str) -> bool:
    """Whether this only declares what is built elsewhere; a folder's search leaves stubs out, but one may be named."""
    return PurePath(path).suffix == ".pyi"


class _Findings:
    """Makes findings of verdicts: places in characters, words filled in."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = _LINE_END.split(text)
        self._suppressions = Suppressions(text)

    def is_suppressed(self, verdict: Verdict) -> bool:
        """Whether a comment stands on the first line of the statement, or on the first or last of the call."""
        call = verdict.call
        return self._suppressions.covers(verdict.rule.code, {verdict.statement_line, call.lineno, _end_line(call)})

    def of(self, verdict: Verdict) -> Finding:
        rule, call = verdict.rule, verdict.call
        return Finding(
            path=self._path,
            line=call.lineno,
            column=self._column(call.lineno, call.col_offset),
            code=rule.code,
            name=rule.name,
            message=rule.message.format(**verdict.words),
            fix=rule.fix.format(**verdict.words),
            end_line=_end_line(call),
            end_column=self._column(_end_line(call), call.end_col_offset or 0),
            source=self._lines[call.lineno - 1],
        )

    def _column(self, line: int, offset: int) -> int:
        """The parser counts bytes of UTF-8, people and editors characters."""
        return len(self._lines[line - 1].encode()[:offset].decode(errors="replace")) + 1


def _end_line(call: ast.Call) -> int:
    return call.end_lineno or call.lineno
