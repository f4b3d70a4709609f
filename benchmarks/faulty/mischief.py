"""What origins do wrong, how often, and what they would say if they did not."""

import random
from collections.abc import Sequence
from enum import StrEnum

RATE = 0.06  # of exchanges, and of handshakes
SLOWEST = 0.3  # seconds that a slow answer takes
PATIENCE = 2.0  # seconds of idleness, at most, before an origin that tires of its connection closes it


class Mischief(StrEnum):
    """What is done to one exchange, or to one connection."""

    SLOW = "slow"  # the answer comes late
    STALL = "stall"  # it never comes
    RESET = "reset"  # RST instead
    CLOSE = "close"  # the connection closes instead
    TRUNCATE = "truncate"  # it closes in the middle of the body
    PAUSE = "pause"  # the second half of the body comes late
    LEAVE = "leave"  # after the answer the connection closes while it is idle
    UNASKED = "unasked"  # after the answer comes what nobody asked for
    GARBAGE = "garbage"  # the answer is none
    ALERT = "alert"  # the handshake ends in an alert
    RST_STREAM = "rst-stream"  # HTTP/2: the stream is reset
    GOAWAY = "goaway"  # HTTP/2: the answer comes, and no further request is wanted


_EITHER = (Mischief.SLOW, Mischief.STALL, Mischief.RESET, Mischief.CLOSE, Mischief.TRUNCATE, Mischief.PAUSE,
           Mischief.LEAVE, Mischief.UNASKED, Mischief.GARBAGE)  # fmt: skip
IN_TEXT = _EITHER
IN_FRAMES = (*_EITHER, Mischief.RST_STREAM, Mischief.GOAWAY)
IN_HANDSHAKES = (Mischief.ALERT, Mischief.RESET, Mischief.CLOSE, Mischief.STALL)


class Mood:
    """Decides, the same for the same seed and order of questions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it must be repeatable

    def decide(self, choice: Sequence[Mischief]) -> Mischief | None:
        """What to do wrong now, if anything."""
        return self._random.choice(choice) if self._random.random() < RATE else None

    def lateness(self) -> float:
        """Seconds by which a slow answer comes late."""
        return self._random.uniform(0.0, SLOWEST)

    def patience(self) -> float:
        """Seconds for which a connection is kept idle."""
        return self._random.uniform(0.0, PATIENCE)


def body(path: str) -> bytes:
    """What is rightly answered under this path: its own name, some hundred bytes to some thousand."""
    return path.encode() * (20 + len(path) * sum(path.encode()) % 300)
