"""Bad input and trouble at the start end here: clear lines on standard error, exit status 2, never a traceback."""

from collections.abc import Iterable
from typing import NoReturn

import typer

BAD_INPUT = 2


def refuse(*lines: str) -> NoReturn:
    """Say what is wrong, a line each, and stop."""
    tell(lines)
    raise typer.Exit(BAD_INPUT)


def hinted(url: str, error: Exception, *, scheme: str) -> str:
    """The error for a URL; if that is a host without a scheme, with the URL that may have been meant."""
    is_host = url and "://" not in url and "@" not in url  # what may be a password is not repeated
    return f"{error}; did you mean {scheme}://{url}?" if is_host else str(error)


def tell(lines: Iterable[str]) -> None:
    """Write lines for a person to standard error, so that standard output stays what was asked for."""
    for line in lines:
        typer.echo(line, err=True)
