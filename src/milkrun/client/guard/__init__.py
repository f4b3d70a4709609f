"""The guard: counts clients by call site and connections by origin in a running process, and warns who churns.

    from milkrun.client import guard

    guard.install()
    ...
    print(guard.report())

It patches httpx2, httpx, aiohttp, niquests and our own client, whether they are imported already or later, and what
opens sockets; `uninstall` puts everything back. What it watches behaves as before.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from milkrun.client.guard.churn import Limits
from milkrun.client.guard.report import OriginReport, Report, SiteReport
from milkrun.client.guard.switch import switch
from milkrun.client.guard.watch import Watch
from milkrun.client.guard.words import ClientChurnWarning, SocketChurnWarning

__all__ = [
    "ClientChurnWarning",
    "Limits",
    "OriginReport",
    "Report",
    "SiteReport",
    "SocketChurnWarning",
    "Watch",
    "install",
    "report",
    "uninstall",
    "watching",
]

_standing: list[Watch] = []  # the process's own, at most one


def install(limits: Limits | None = None) -> Watch:
    """Watch from now on, for the process's life or until `uninstall`.

    Installed already, it goes on as it is, with the limits it has.

    Args:
        limits: what is still quiet; by default `Limits()`.
    """
    if not _standing:
        _standing.append(Watch(limits or Limits()))
        switch.add(_standing[0])
    return _standing[0]


def uninstall() -> None:
    """Watch no more; what was counted is gone. Harmless when nothing is installed."""
    while _standing:
        switch.remove(_standing.pop())


def report() -> Report:
    """What the installed watch has counted. Raises RuntimeError if none is installed."""
    if not _standing:
        raise RuntimeError("nothing is watched: call guard.install() first, or use guard.watching()")
    return _standing[0].report()


@contextmanager
def watching(limits: Limits | None = None) -> Iterator[Watch]:
    """A watch of its own while this lasts, in all threads, beside those that there are already."""
    watch = Watch(limits or Limits())
    switch.add(watch)
    try:
        yield watch
    finally:
        switch.remove(watch)
