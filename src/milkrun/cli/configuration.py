"""Reading a configuration for a command: the settings, or every problem on standard error and exit status 2.

Straight from `config`, not through `app`: that brings the store and the pages along, which take a second to import
and are nothing to `validate`.
"""

from collections.abc import Sequence
from pathlib import Path

from milkrun.alerting.kinds import CHANNELS
from milkrun.cli.refusal import refuse, tell
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.config.settings import Settings
from milkrun.probes.kinds import KINDS


def read(paths: Sequence[Path]) -> Settings:
    """Read files and folders. Raises ConfigError with every problem there is."""
    return load(paths, KINDS, CHANNELS)


def read_or_refuse(paths: Sequence[Path]) -> Settings:
    """Read them, telling each warning; refuse with all problems at once."""
    try:
        settings = read(paths)
    except ConfigError as err:
        refuse(*map(str, err.problems))
    tell_warnings(settings)
    return settings


def tell_warnings(settings: Settings) -> None:
    """Say what was read but has no effect."""
    tell(f"warning: {warning}" for warning in settings.warnings)
