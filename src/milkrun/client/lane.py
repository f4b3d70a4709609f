"""One origin: the gate to it, and its idle connections on a stack."""

from collections.abc import Iterator

from milkrun.client.connection import Connection
from milkrun.client.gate import Gate


class Lane(Gate):
    """One origin, under one set of TLS options: its connections, and the gate to them.

    It is its gate, and does not have one, for with many origins each object that a request visits costs as much as
    a function call: it is no longer in the processor's cache.
    """

    __slots__ = ("key", "open", "top")

    def __init__(self, key: str, limit: int, name: str) -> None:
        super().__init__(limit, name)
        self.key = key
        self.open = 0
        self.top: Connection | None = None  # of the stack of idle ones, which hold each other: no list to visit

    def __iter__(self) -> Iterator[Connection]:
        """The idle connections, that used last first."""
        connection = self.top
        while connection is not None:
            yield connection
            connection = connection.below

    def remove(self, connection: Connection) -> None:
        """Take an idle connection out of the stack, wherever it lies; a stack is as high as the gate is wide."""
        if self.top is connection:
            self.top = connection.below
        else:
            next(above for above in self if above.below is connection).below = connection.below
        connection.below = None
        connection.is_idle = False
