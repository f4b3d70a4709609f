"""Which files are checked: those named, and the Python files in the folders named."""

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from milkrun.client.lint.finding import Problem

STANDARD_INPUT = "-"
SUFFIXES = frozenset({".py", ".pyw"})
# Folders of other people's code and of what is made from one's own; hidden ones are not looked into either.
NOT_ENTERED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv"})


class Files:
    """Walks paths; each file once, folders in order. What cannot be looked into is told to `on_problem`."""

    def __init__(self, exclude: Sequence[str], on_problem: Callable[[Problem], None]) -> None:
        self._exclude = exclude
        self._on_problem = on_problem
        self._seen: set[Path] = set()

    def under(self, paths: Sequence[str]) -> Iterator[Path]:
        """The files of these paths. A path that is named is taken as it is, a folder that would be left out too."""
        for named in map(Path, paths):
            for path in self._walk(named) if named.is_dir() else (named,):
                if (where := path.absolute()) not in self._seen and not self._is_excluded(path):
                    self._seen.add(where)
                    yield path

    def _walk(self, top: Path) -> Iterator[Path]:
        """Links to folders are not followed: what they lead to has a place of its own, and they may lead in circles."""
        for folder, folders, files in os.walk(top, onerror=self._on_error):
            folders[:] = sorted(name for name in folders if self._is_entered(Path(folder, name)))
            paths = (Path(folder, name) for name in sorted(files))
            yield from (path for path in paths if path.suffix in SUFFIXES and _is_to_be_read(path))

    def _is_entered(self, folder: Path) -> bool:
        is_ours = folder.name not in NOT_ENTERED and not folder.name.startswith(".")
        return is_ours and not self._is_excluded(folder)

    def _is_excluded(self, path: Path) -> bool:
        """Whether a pattern fits the path, a folder that it is in, or one of the names on it."""
        names = [str(path), *map(str, path.parents), *path.parts]
        return any(fnmatch(name, pattern.rstrip("/")) for pattern in self._exclude for name in names)

    def _on_error(self, err: OSError) -> None:
        self._on_problem(Problem(path=shown(Path(err.filename)), message=f"not read: {err.strerror}"))


def _is_to_be_read(path: Path) -> bool:
    """A pipe or a socket is no source, whatever its name. A link that leads nowhere is read, and told of."""
    return path.is_file() or not path.exists()


def shown(path: Path) -> str:
    """A path for people: a name that is no UTF-8 does not stop the rest from being told."""
    return os.fsencode(path).decode(errors="replace")
