"""Whether a server is still there: when to ask it for a sign of life, and when it has given none."""

import math

QUIET = 5.0  # seconds without a word, with exchanges under way, before it is asked; as many again, and it is dead


class Pulse:
    """What a connection knows of its server's life; times are clock seconds.

    Attributes:
        heard: when the server last said something, or, if that is later, when something was first wanted of it.
    """

    __slots__ = ("_asked", "heard")

    def __init__(self) -> None:
        self.heard = self._asked = -math.inf

    @property
    def is_in_doubt(self) -> bool:
        """Whether the server was asked for a sign of life and has not said a word since.

        A deadline that strikes may be one stream's trouble, or that of a peer that has vanished. Who comes next must
        not wait for that to be known: in doubt a connection takes nothing new.
        """
        return self._asked > self.heard

    @property
    def due(self) -> float:
        """When silence means something: that the server is to be asked, or, in doubt, that it is dead."""
        return (self._asked if self.is_in_doubt else self.heard) + QUIET

    def rouse(self, now: float) -> None:
        """Something is wanted of a server that had nothing to say until now."""
        if not self.is_in_doubt:
            self.heard = now

    def ask(self, now: float) -> bool:
        """Whether to ask the server now: it was not yet, since it last spoke."""
        if self.is_in_doubt:
            return False
        self._asked = now
        return True
