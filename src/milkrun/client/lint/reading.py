"""From a file's bytes to its text and its tree, as Python itself reads it."""

import ast
import codecs
import re
import sys
import warnings

from milkrun.client.lint.finding import Problem

# On the first line, or on the second if the first is nothing but a comment.
_DECLARED = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class UncheckedError(Exception):
    """A source that cannot be checked, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read(source: bytes, path: str) -> tuple[str, ast.Module]:
    """The text of a file and what it parses to. Raises UncheckedError."""
    try:
        text = _text(source)
        return text, _parsed(text)
    except (SyntaxError, ValueError, LookupError) as err:  # the latter two are of encodings
        line = getattr(err, "lineno", None) or 0
        message = f"not read as Python {_VERSION}: {err.msg if isinstance(err, SyntaxError) else err}"
        raise UncheckedError(Problem(path=path, line=line, message=message)) from err
    except (RecursionError, MemoryError) as err:
        raise too_deep(path) from err


def too_deep(path: str) -> UncheckedError:
    """What to raise where the interpreter's stack was not enough, for reading or for judging."""
    return UncheckedError(Problem(path=path, message="nested too deeply to be read"))


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
