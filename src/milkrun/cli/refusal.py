"""Bad input and trouble at the start end here: clear lines on standard error, exit status 2, never a traceback."""

from collections.abc import Iterable
from typing import NoReturn

import typer

BAD_INPUT = 2


def refuse(*lines: str) -> NoReturn:
    """Say what is wrong, a line each, and stop."""
    tell(lines)
    raise typer.Exit(BAD_INPUT)


def tell(lines: Iterable[str]) -> None:
    """Write lines for a person to standard error, so that standard output stays what was asked for."""
    for line in lines:
        typer.echo(line, err=True)
