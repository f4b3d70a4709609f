"""One file's source, checked: text to tree to findings. The code is read, never imported or run."""

import ast
import codecs
import re
import sys
import warnings
from pathlib import PurePath

from milkrun.client.lint.finding import Finding, Problem
from milkrun.client.lint.judging import Judge, Verdict
from milkrun.client.lint.libraries import MENTION
from milkrun.client.lint.rules import RULES
from milkrun.client.lint.suppression import Suppressions

_LINE_END = re.compile(r"\r\n|\r|\n")  # what ends a line for Python; str.splitlines knows more
# On the first line, or on the second if the first is nothing but a comment.
_DECLARED = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_TEST_FILE = re.compile(r"test_.*|.*_test|conftest")
_TEST_FOLDERS = frozenset({"test", "tests"})


class UncheckedError(Exception):
    """A source that cannot be checked, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def check(source: bytes, path: str, codes: frozenset[str] = frozenset(RULES)) -> list[Finding]:
    """Return what breaks these rules, in the order of lines. `path` is for the findings, and tells a test file.

    Raises UncheckedError for what is not Python, or not of a version that this interpreter reads.
    """
    if not MENTION.match(source):
        return []
    try:
        text, module = _read(source, path)
        found = list(Judge(module, is_test=is_test(path)).verdicts())
    except (RecursionError, MemoryError) as err:
        raise UncheckedError(Problem(path=path, message="nested too deeply to be read")) from err
    findings = _Findings(path, text)
    kept = [verdict for verdict in found if verdict.rule.code in codes and not findings.is_suppressed(verdict)]
    return sorted(map(findings.of, kept))


def is_test(path: str) -> bool:
    """Whether this is a test by pytest's customs: its name, or a folder on the way to it."""
    where = PurePath(path)
    return bool(_TEST_FILE.fullmatch(where.stem)) or not _TEST_FOLDERS.isdisjoint(where.parts[:-1])


def _read(source: bytes, path: str) -> tuple[str, ast.Module]:
    try:
        text = _text(source)
        return text, _parsed(text)
    except (SyntaxError, ValueError, LookupError) as err:  # the latter two are of encodings
        line = getattr(err, "lineno", None) or 0
        message = f"not read as Python {_VERSION}: {err.msg if isinstance(err, SyntaxError) else err}"
        raise UncheckedError(Problem(path=path, line=line, message=message)) from err


def _text(source: bytes) -> str:
    """Decode as Python does (PEP 263), with its line ends as they are. `tokenize` refuses some that Python reads."""
    declared = _DECLARED.match(source)
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    return source.removeprefix(codecs.BOM_UTF8).decode(encoding)


def _parsed(text: str) -> ast.Module:
    if "\0" in text:  # a ValueError in some versions, a SyntaxError in others
        raise SyntaxError("it contains null bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # what an interpreter says of it is not ours to repeat
        warnings.simplefilter("ignore", DeprecationWarning)
        return ast.parse(text)


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
