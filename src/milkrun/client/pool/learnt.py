"""What is remembered of an origin between its connections: what it speaks, how long it lets them idle."""

import math
import re

import msgspec

_SIZE = 20_000  # origins that are remembered; beyond it the one forgotten is that seen first
_SOON = 1.0  # seconds: a connection is given up this long before the server is known to close it
_TELLING = 1.0  # seconds: no server closes connections that fast by habit, so a shorter life was chance
_ALIKE = 0.25  # two idle times that differ by less than this part are the same time-out of the server's
_DOUBT = 60.0  # seconds that a first suspicion is held; doubled with each further one
_MAX_DOUBT = 600.0
_KEEP_ALIVE = re.compile(r"timeout\s*=\s*(\d{1,9})", re.IGNORECASE)


class Learnt(msgspec.Struct, gc=False):
    """What is known of an origin, also between its connections.

    Attributes:
        single: it has said that it speaks HTTP/1.1 only, so nobody needs to wait for its word again.
        survival: seconds that its idle connections live, as far as is known.
        until: clock seconds until which `survival` is believed.
        opened: connections opened.
        exchanges: begun on those of them that are closed.
        unused: those of them that were closed and had carried none.
    """

    single: bool = False
    survival: float = math.inf
    until: float = 0.0
    opened: int = 0
    exchanges: int = 0
    unused: int = 0
    _doubts: int = 0
    _last_close: float = -1.0

    def patience(self, usual: float, now: float) -> float:
        """Seconds that a connection may be idle to be used again, at most as many as `usual`."""
        return min(usual, self.survival) if now < self.until else usual

    def lost(self, uses: int) -> None:
        """A connection is closed that had carried so many exchanges."""
        self.exchanges += uses
        self.unused += not uses

    def closed_idle(self, idle: float, survived: float, now: float) -> None:
        """The server closed a connection that had been idle for so long: twice alike, that is its habit.

        Unless the connection had `survived` as much before; infinite: it had never been idle.
        """
        if idle < _TELLING or idle * (1 - _ALIKE) <= survived < math.inf:
            return
        if abs(idle - self._last_close) <= _ALIKE * idle:
            self._believe(idle, now, _MAX_DOUBT)
        self._last_close = idle

    def was_stale(self, idle: float, survived: float, now: float) -> None:
        """A connection that had been idle for so long was found dead when it was used: by habit, or by a restart.

        One that has `survived` being idle before says nothing of habits. A doubt that was right is held twice as long
        the next time: when it was over, the next connection was found dead soon.
        """
        if idle < _TELLING or survived < math.inf:
            return
        lasted = min(_DOUBT * 2**self._doubts, _MAX_DOUBT)
        self._doubts = min(self._doubts + 1, 8) if self.until and now < self.until + lasted else 0
        self._believe(idle, now, min(_DOUBT * 2**self._doubts, _MAX_DOUBT))

    def _believe(self, idle: float, now: float, seconds: float) -> None:
        self.survival = before(idle)
        self.until = now + seconds


def before(timeout: float) -> float:
    """How long to be idle at most, so as not to meet a server's time-out of so many seconds."""
    return max(timeout - _SOON, timeout / 2)


def heeded(patience: float, keep_alive: str | None) -> float:
    """What is left of a patience by a Keep-Alive field, None if there is none: its `timeout` is the server's own."""
    match = _KEEP_ALIVE.search(keep_alive or "")
    return patience if match is None else min(patience, before(float(match[1])))


class Memory:
    """What was learnt of each origin, by the key that its connections are pooled by."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._learnt: dict[str, Learnt] = {}

    def of(self, key: str) -> Learnt:
        """What is known; it may be added to."""
        learnt = self._learnt.get(key)
        if learnt is None:
            if len(self._learnt) >= self._size:
                del self._learnt[next(iter(self._learnt))]
            learnt = self._learnt[key] = Learnt()
        return learnt

    def everything(self) -> dict[str, Learnt]:
        """What is known of every origin, by key; a copy, so that another thread may ask."""
        return self._learnt.copy()
