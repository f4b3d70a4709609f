"""Finding and reading the files of a configuration."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from milkrun.config.problems import Refused

SUFFIXES = frozenset({".yaml", ".yml"})


def config_files(path: Path) -> Sequence[Path]:
    """The file itself, or all YAML files below a folder in the order of their names.

    Raises Refused for a folder without any. Names that begin with a dot are left out: mounted Kubernetes volumes
    hold every file a second time under such a one.
    """
    if not path.is_dir():
        return [path]
    try:
        found = sorted(_below(path))
    except OSError as err:
        raise Refused(None, f"this folder cannot be read: {err.strerror}") from err
    if not found:
        raise Refused(None, "expected at least one *.yaml or *.yml file in this folder")
    return found


def read_text(path: Path) -> str:
    """A file's text. Raises Refused where it cannot be read, or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as err:
        raise Refused(None, f"this file cannot be read: {err.strerror}") from err
    except UnicodeDecodeError as err:
        line = err.object[: err.start].count(b"\n") + 1
        raise Refused(line, "expected UTF-8 text") from err


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.suffix in SUFFIXES:
            yield path
