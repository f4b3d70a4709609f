"""Packs hours that are over: an endpoint's raw rows of an hour become one chunk, written once.

When all endpoints of an hour are packed the mark PACKED moves past it, and from that moment on its raw rows mean
nothing; they are removed afterwards. Until that moment its chunks mean nothing. So wherever a kill strikes, every
result is found once, and a round that broke off begins anew.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete

from milkrun.core.rollup import Period
from milkrun.store import raw, schema
from milkrun.store.beats import beats
from milkrun.store.chunk import pack
from milkrun.store.columns import columns_of
from milkrun.store.dialect import put
from milkrun.store.packed import HOUR
from milkrun.store.progress import Mark

# An hour is left for so long after its end (ms), for results that are late: to put one into a chunk costs more.
SETTLING = 600_000

# A chunk's results, how many they are and its content.
Packed = tuple[int, bytes]


class Packing:
    """A Job; see there. A bite is some megabytes to read, and written within milliseconds."""

    mark = Mark.PACKED
    length = HOUR
    bite = 100

    def next_start(self, connection: Connection, now: int, done: int) -> int | None:
        """The oldest hour with raw rows from `done` on, if it is over and has settled."""
        oldest, _ = raw.ends(connection, done, Period.HOUR.begin(now - SETTLING))
        return None if oldest is None else Period.HOUR.begin(oldest)

    def endpoints(self, connection: Connection, start: int) -> list[int]:
        """Whoever has a row in that hour."""
        return raw.endpoints(connection, start, start + HOUR)

    def work(self, connection: Connection, start: int, endpoints: Sequence[int]) -> dict[int, Packed]:
        """Their chunks."""
        of = beats(connection, endpoints)
        found: dict[int, Packed] = {}
        for endpoint in endpoints:
            lines = raw.lines(connection, endpoint, of.get(endpoint, ()), start, start + HOUR)
            found[endpoint] = len(lines), pack(columns_of(lines))
        return found

    def put(self, connection: Connection, start: int, work: Mapping[int, Packed]) -> None:
        """Write chunks; beats of an hour that nobody looks up any more are forgotten with the next one."""
        put(connection, schema.chunk, [(start, endpoint, *packed) for endpoint, packed in work.items()])
        connection.execute(delete(schema.offbeat).where(schema.offbeat.c.slot < start))
