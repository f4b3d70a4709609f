"""The last results of every endpoint: what a start needs. In the caller's transaction."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from milkrun.core.result import Result
from milkrun.core.rollup import Period
from milkrun.store import packed, raw, schema
from milkrun.store.columns import Columns, Line, columns_of
from milkrun.store.decoding import Decoder
from milkrun.store.history import END_OF_TIME, windows
from milkrun.store.packed import HOUR
from milkrun.store.progress import Mark, reached

# So few that still want rows are named to the database, which steps over the others' for less than it takes to fetch
# them: somebody who is checked rarely, or not any more, costs a start nothing to speak of.
FEW = 1_000
# Rows decoded at a time: what they have in common is done once.
AT_ONCE = 10_000


class Wanted:
    """The last rows of each endpoint as they are found, newest first; `wanting` are those who have less than `most`."""

    def __init__(self, endpoints: Iterable[int], most: int) -> None:
        self.wanting = set(endpoints)
        self.most = most
        self._found: dict[int, list[Line]] = {}

    def take(self, lines: Iterable[Line]) -> None:
        """Take what is wanted of rows, newest first."""
        for line in lines:
            kept = self._found.setdefault(line[1], [])
            if len(kept) < self.most:
                kept.append(line)
                if len(kept) == self.most:
                    self.wanting.discard(line[1])

    def pieces(self) -> Iterator[list[Line]]:
        """All that was found, oldest first, endpoint by endpoint."""
        piece: list[Line] = []
        for kept in self._found.values():
            piece += reversed(kept)
            if len(piece) >= AT_ONCE:
                yield piece
                piece = []
        yield piece


def recent(connection: Connection, decoder: Decoder, per_endpoint: int, since: int) -> dict[int, list[Result]]:
    """The last results of every endpoint with slots from `since` on, oldest first."""
    known = connection.scalars(select(schema.endpoint.c.id).where(schema.endpoint.c.first.is_not(None)))
    wanted = Wanted(known, per_endpoint)
    for lines in _backwards(connection, since, wanted):
        wanted.take(lines)
    found: dict[int, list[Result]] = {}
    for piece in wanted.pieces():
        for result in decoder.results(connection, columns_of(piece)):
            found.setdefault(result.endpoint, []).append(result)
    return found


def _backwards(connection: Connection, since: int, wanted: Wanted) -> Iterator[list[Line]]:
    """Rows in pieces, newest first, until nobody wants any."""
    mark = reached(connection, Mark.PACKED)

    def newest_below(end: int) -> int | None:
        return raw.ends(connection, mark, end)[1]

    for begin, end in windows(newest_below, END_OF_TIME, max(since, mark)):
        few = sorted(wanted.wanting) if len(wanted.wanting) <= FEW else None
        for lines in raw.backwards(connection, begin, end, few):
            yield lines
            if not wanted.wanting:
                return
    for hour in range(Period.HOUR.begin(mark - 1), Period.HOUR.begin(since) - 1, -HOUR):
        yield from _chunks(connection, hour, since, wanted)


def _chunks(connection: Connection, hour: int, since: int, wanted: Wanted) -> Iterator[list[Line]]:
    for columns in packed.of_hour(connection, hour, sorted(wanted.wanting)):
        last: Columns = columns.part(-wanted.most, None)
        yield [line for line in last.lines()[::-1] if line[0] >= since]
