"""Files that are written under another name first, so that nobody ever takes half of one for the whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from milkrun.store.protocol import StoreError

# What SQLite may leave beside a file that it was writing.
_BESIDE = ("-wal", "-shm", "-journal")


@contextmanager
def unfinished(file: Path) -> Iterator[Path]:
    """A name beside `file` to write to; whatever is still there at the end is removed.

    Raises:
        StoreError: for what the system refuses, in one line.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        _remove(part)
        try:
            yield part
        finally:
            _remove(part)
    except OSError as error:
        raise StoreError(f"cannot write {file}: {(error.strerror or str(error)).lower()}") from error


def put_in_place(part: Path, file: Path) -> None:
    """Give a whole file its name, once all of it is on the disk."""
    _sync(part)
    part.replace(file)
    _sync(file.parent)


def remove_logs(file: Path) -> None:
    """Remove what belongs to a file of SQLite's."""
    for end in _BESIDE:
        file.with_name(file.name + end).unlink(missing_ok=True)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    remove_logs(file)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
