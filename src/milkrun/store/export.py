"""Results of many endpoints in pieces small enough to hold: hour by hour, in an hour endpoint by endpoint."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from milkrun.core.result import Result
from milkrun.core.rollup import Period
from milkrun.store import history
from milkrun.store.decoding import Decoder
from milkrun.store.packed import HOUR

# Endpoints whose results of an hour are one piece.
AT_ONCE = 50

T = TypeVar("T")


class Ask(Protocol):
    """Puts a question in a transaction of its own."""

    def __call__(self, question: Callable[[Connection], T]) -> T:
        """The answer."""


def pieces(
    ask: Ask, decoder: Decoder, endpoints: Sequence[int] | None, since: int, until: int
) -> Iterator[list[Result]]:
    """The pieces that are not empty, each read when it is asked for."""
    oldest, newest = ask(history.span)
    if oldest is None or newest is None:
        return
    since, until = max(since, oldest), min(until, newest + 1)
    for hour in range(Period.HOUR.begin(since), until, HOUR):
        begin, end = max(hour, since), min(hour + HOUR, until)
        wanted = endpoints if endpoints is not None else ask(partial(history.endpoints, since=begin, until=end))
        for start in range(0, len(wanted), AT_ONCE):
            read = partial(_piece, decoder=decoder, of=wanted[start : start + AT_ONCE], since=begin, until=end)
            piece = ask(read)
            if piece:
                yield piece


def _piece(connection: Connection, *, decoder: Decoder, of: Iterable[int], since: int, until: int) -> list[Result]:
    return list(chain.from_iterable(history.stretch(connection, decoder, one, since, until) for one in of))
