"""`${VAR}` and `$VAR` in a value, `$$` for a dollar: what Gatus takes, but an undefined variable is an error."""

import re
from collections.abc import Mapping

# Go's os.Expand: a name in braces, a name of letters, digits and underscores, or one of the shell's special ones.
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>[^}]*)\}|(?P<name>[A-Za-z_]\w*|[0-9*#@!?-]))", re.ASCII)


class UndefinedError(Exception):
    """A variable that is not in the environment; the message names it."""


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, bool]:
    """The text with its variables' values, and whether there were any. Raises UndefinedError."""
    if "$" not in text:
        return text, False
    used = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal used
        if match["dollar"]:
            return "$"
        used = True
        name = match["braced"] if match["braced"] is not None else match["name"]
        if name not in environ:
            raise UndefinedError(f"expected the environment variable {name or '(no name)'} to be set, or $$ for a $")
        return environ[name]

    return _VARIABLE.sub(value_of, text), used
