"""The last results of every endpoint: what a start needs. In the caller's transaction."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from milkrun.core.result import Result
from milkrun.core.rollup import Period
from milkrun.store import packed, raw, schema
from milkrun.store.columns import Columns, Line, columns_of
from milkrun.store.decoding import Decoder
from milkrun.store.history import END_OF_TIME, windows
from milkrun.store.packed import HOUR
from milkrun.store.progress import Mark, reached


def recent(connection: Connection, decoder: Decoder, per_endpoint: int, since: int) -> dict[int, list[Result]]:
    """The last results of every endpoint with slots from `since` on, oldest first."""
    found: dict[int, list[Line]] = {}
    for lines in _backwards(connection, since, found, per_endpoint):
        for line in lines:
            kept = found.setdefault(line[1], [])
            if len(kept) < per_endpoint:
                kept.append(line)
    return {endpoint: decoder.results(connection, columns_of(kept[::-1])) for endpoint, kept in found.items()}


def _backwards(
    connection: Connection, since: int, found: dict[int, list[Line]], per_endpoint: int
) -> Iterator[list[Line]]:
    """Rows in pieces, newest first; from chunks only of those that want some yet."""
    mark = reached(connection, Mark.PACKED)
    known = set(connection.scalars(select(schema.endpoint.c.id).where(schema.endpoint.c.first.is_not(None))))

    def newest_below(end: int) -> int | None:
        return raw.ends(connection, mark, end)[1]

    def wanting() -> set[int]:
        return known - {endpoint for endpoint, kept in found.items() if len(kept) >= per_endpoint}

    for begin, end in windows(newest_below, END_OF_TIME, max(since, mark)):
        yield from raw.everything(connection, begin, end, backwards=True)
        if not wanting():
            return
    for hour in range(Period.HOUR.begin(mark - 1), Period.HOUR.begin(since) - 1, -HOUR):
        yield from _chunks(connection, hour, since, sorted(wanting()), per_endpoint)


def _chunks(
    connection: Connection, hour: int, since: int, wanting: list[int], per_endpoint: int
) -> Iterator[list[Line]]:
    for columns in packed.of_hour(connection, hour, wanting):
        last: Columns = columns.part(-per_endpoint, None)
        yield [line for line in last.lines()[::-1] if line[0] >= since]
