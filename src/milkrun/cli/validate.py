"""`milkrun validate`: read configurations and say everything that is wrong with them."""

from pathlib import Path
from typing import Annotated

import typer

from milkrun.cli.refusal import BAD_INPUT, tell


def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR", help="Each is a configuration of its own.")],
) -> None:
    """Say everything that is wrong with a configuration.

    The exit status is 0 when nothing is, else 2.
    """
    sound = [_is_sound(path) for path in paths]
    if not all(sound):
        raise typer.Exit(BAD_INPUT)


def _is_sound(path: Path) -> bool:
    from milkrun.cli.configuration import read, tell_warnings
    from milkrun.config.problems import ConfigError

    try:
        settings = read([path])
    except ConfigError as err:
        tell(map(str, err.problems))
        return False
    tell_warnings(settings)
    count = len(settings.endpoints)
    typer.echo(f"{path}: {count} endpoint{'' if count == 1 else 's'}, no errors")
    return True
