"""`${VAR}` and `$VAR` in a value, `$$` for a dollar: what Gatus takes, but an undefined variable is an error."""

import re
from collections.abc import Mapping

# Go's os.Expand: a name in braces, a name of letters, digits and underscores, or one of the shell's special ones.
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>[^}]*)\}|(?P<name>[A-Za-z_]\w*|[0-9*#@!?-]))", re.ASCII)

# Gatus fills variables in before it parses, so that `[${A}, ${B}]` is a list of two. We fill them in afterwards,
# where a value cannot break the document, and so must keep their braces out of the parser's sight.
_BRACED = re.compile(r"\$\{(\w+)\}", re.ASCII)
_OPEN, _CLOSE = "\U0010fffc", "\U0010fffd"


class UndefinedError(Exception):
    """A variable that is not in the environment; the message names it."""


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its variables' values, and those values. Raises UndefinedError."""
    if "$" not in text:
        return text, ()
    used: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["braced"] if match["braced"] is not None else match["name"]
        if name not in environ:
            raise UndefinedError(f"expected the environment variable {name or '(no name)'} to be set, or $$ for a $")
        used.append(environ[name])
        return used[-1]

    return _VARIABLE.sub(value_of, text), tuple(used)


def shield(document: str) -> str:
    """The document with the braces of variables replaced by characters that mean nothing to YAML."""
    return _BRACED.sub(rf"{_OPEN}\1{_CLOSE}", document)


def unshield(text: str) -> str:
    """The text as it was written."""
    return text.replace(_OPEN, "${").replace(_CLOSE, "}")
