"""Time limits by phase, for those who want more than the one deadline: the four that other clients have."""

import math
from typing import TypeAlias

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.timings import Timings

LIMITS = {
    "queue": "pool",
    **dict.fromkeys(("proxy", "dns", "connect", "tls"), "connect"),
    "send": "write",
    **dict.fromkeys(("wait", "receive"), "read"),
}
"""By which of the four each phase is limited."""

# What these limit, they limit in sum; the others each piece of its own.
_IN_SUM = {"pool": ("queue",), "connect": ("proxy", "dns", "connect", "tls")}


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Seconds for each part of a request's way; None: no limit.

    Attributes:
        pool: waiting for the client's own limits (phase `queue`).
        connect: opening a connection: the way to a proxy, the name, the connection, the TLS handshake; all together.
        write: until the server takes a further piece of the request (phase `send`).
        read: until it sends a further piece of the response (phases `wait` and `receive`).
    """

    pool: float | None = None
    connect: float | None = None
    write: float | None = None
    read: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            seconds = getattr(self, name)
            if seconds is not None and not seconds >= 0:
                raise UsageError(f"the {name} timeout is {seconds}; expected seconds, or None for no limit")

    def until(self, phase: str, now: float, spent: Timings) -> float:
        """When a wait is over that begins now in this phase; infinity: never, as in no phase at all.

        Args:
            phase: of `Timings`.
            now: clock seconds.
            spent: on the phases so far.
        """
        name = LIMITS.get(phase, "")
        seconds: float | None = getattr(self, name, None)
        if seconds is None:
            return math.inf
        for before in _IN_SUM.get(name, ()):
            seconds -= getattr(spent, before)
        return now + seconds


TimeoutTypes: TypeAlias = float | Timeouts | None
"""One deadline for everything, in seconds; or a limit for each part; None: no limit."""


def read_timeout_of(timeout: TimeoutTypes) -> float | None:
    """How long a reader waits for each further piece of a body, if he says nothing else."""
    return timeout.read if isinstance(timeout, Timeouts) else timeout
