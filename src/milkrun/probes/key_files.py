"""Files of roots, certificates and keys: tried when a configuration is read, so that no check comes upon a bad one."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from milkrun.client.dial.tls import Contexts, TlsOptions
from milkrun.client.errors import UsageError

_State = tuple[int, int, int] | None
_KEPT = 64  # 10,000 endpoints mostly share a few files, and reading some takes 30 ms


def complaint(options: TlsOptions, names: Mapping[str, str]) -> str | None:
    """Why the files that TLS options name cannot be used; None if they can.

    Args:
        options: as they will be used.
        names: every path in them, and what to call it instead: a path may hold what is not to be shown.
    """
    why = _refusal(options, tuple(map(_state, names)))
    if why is not None:
        for path in sorted(names, key=len, reverse=True):
            why = why.replace(path, names[path])
    return why


@lru_cache(maxsize=_KEPT)
def _refusal(options: TlsOptions, states: tuple[_State, ...]) -> str | None:  # noqa: ARG001  # a file that changed is tried anew
    try:
        Contexts().get(options)
    except UsageError as err:
        return str(err)
    return None


def _state(path: str) -> _State:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
