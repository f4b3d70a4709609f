"""The data directory: made when missing, and used by one process at a time."""

import fcntl
import os
from pathlib import Path

from milkrun.store.protocol import StoreError


class DirectoryLock:
    """Holds a database for this process until released; a dead process holds nothing.

    The lock is on a file beside the database, for SQLite's own locks come and go with its transactions. That file
    stays: removing it would let two processes lock two files of one name.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}.lock")
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(database.parent, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(self._occupied(database.parent)) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except OSError as error:  # a full disk gives a new file a name, but nothing in it
            os.close(self._descriptor)
            raise _unusable(database.parent, error) from error

    def _occupied(self, directory: Path) -> str:
        holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace")
        os.close(self._descriptor)
        process = f" (process {holder})" if holder.isdigit() else ""
        return f"{directory} is in use by another Milkrun{process}: stop it, or choose another data directory"

    def release(self) -> None:
        """Let another process have the directory."""
        os.close(self._descriptor)


def _unusable(directory: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(f"cannot use {directory} as the data directory: {reason.lower()}")
