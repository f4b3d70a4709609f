"""Reading a configuration for a command: the settings, or every problem on standard error and exit status 2."""

from collections.abc import Sequence
from pathlib import Path

from milkrun.cli.refusal import refuse, tell
from milkrun.config.problems import ConfigError
from milkrun.config.settings import Settings


def load(paths: Sequence[Path]) -> Settings:
    """Load, telling each warning; refuse with all problems at once."""
    from milkrun import app

    try:
        settings = app.load(paths)
    except ConfigError as err:
        refuse(*(str(problem) for problem in err.problems))
    tell(f"warning: {warning}" for warning in settings.warnings)
    return settings
