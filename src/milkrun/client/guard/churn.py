"""When it is too much: more than so many within so many seconds, told once. Pure."""

import math
from collections import deque
from typing import Any, Protocol, TypeVar

import msgspec

from milkrun.client.errors import UsageError


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is still quiet.

    Attributes:
        clients: constructions at one call site, within that time.
        sockets: connections to one origin, within that time.
        within: seconds.
        remembered: sites, and origins, of which counts are kept at most; of more, the half that was seen last.
    """

    clients: int = 10
    sockets: int = 100
    within: float = 10.0
    remembered: int = 1_000

    def __post_init__(self) -> None:
        for what, least in (("clients", 0), ("sockets", 0), ("within", 0), ("remembered", 1)):
            if not getattr(self, what) >= least:
                raise UsageError(f"{what}={getattr(self, what)!r}: expected {least} or more")


class Window:
    """The times of the last events, as many as it takes to tell that there were too many; `told`: it has been."""

    __slots__ = ("_most", "_times", "told")

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque(maxlen=most + 1)
        self.told = False

    @property
    def last(self) -> float:
        """When the last event was."""
        return self._times[-1] if self._times else -math.inf

    def overflows(self, now: float, within: float) -> bool:
        """Note an event; True once, at the first one that is too many within that time."""
        times = self._times
        times.append(now)
        if len(times) <= self._most or self.told or now - times[0] > within:
            return False
        self.told = True
        return True


class Counted(Protocol):
    """What is counted has a window."""

    @property
    def window(self) -> Window:
        """When it was seen."""


T = TypeVar("T", bound=Counted)


def forget_oldest(known: dict[Any, T], most: int) -> None:
    """Where more than `most` are known, keep the half that was seen last.

    Half of them, so that it is done seldom; to keep them in the order of use would cost at each one.
    """
    if len(known) > most:
        oldest = sorted(known, key=lambda key: known[key].window.last)
        for key in oldest[: len(known) - most // 2]:
            del known[key]
