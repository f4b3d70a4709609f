"""`milkrun validate`: read configurations and say everything that is wrong with them."""

from pathlib import Path
from typing import Annotated

import typer

from milkrun.cli.refusal import BAD_INPUT, tell


def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR ...", help="Each is a configuration of its own.")],
) -> None:
    """Check configurations without running them: exit status 0, or 2 with every error and its line."""
    sound = [_is_sound(path) for path in paths]
    if not all(sound):
        raise typer.Exit(BAD_INPUT)


def _is_sound(path: Path) -> bool:
    from milkrun import app
    from milkrun.config.problems import ConfigError

    try:
        settings = app.load([path])
    except ConfigError as err:
        tell(str(problem) for problem in err.problems)
        return False
    tell(f"warning: {warning}" for warning in settings.warnings)
    count = len(settings.endpoints)
    typer.echo(f"{path}: {count} endpoint{'' if count == 1 else 's'}, no errors")
    return True
