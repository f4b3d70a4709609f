"""Results on their way into the tables: the hot path of every flush."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, select, update

from milkrun.core.result import Result
from milkrun.store import packed
from milkrun.store.beats import Metronome
from milkrun.store.columns import line_of
from milkrun.store.dialect import insert_once
from milkrun.store.facts import FactWriter, Remarks, remarks_of, scene_of
from milkrun.store.locations import Locations
from milkrun.store.progress import Mark, marks
from milkrun.store.rows import Row, encode
from milkrun.store.schema import endpoint, result

_SET_FIRST = update(endpoint).where(endpoint.c.id == bindparam("of")).values(first=bindparam("slot"))
_NEVER = 1 << 63
_NOTHING = Remarks()
_slot = itemgetter(0)
_identity = itemgetter(0, 1)


class ResultWriter:
    """Writes results within the caller's transaction, which ends in `keep` or `forget`."""

    def __init__(self, connection: Connection, facts: FactWriter, locations: Locations) -> None:
        self._connection = connection
        self._facts = facts
        self._locations = locations
        self._metronome = Metronome()
        self._first: dict[int, int] = {}
        self._earlier: dict[int, int] = {}

    def load(self) -> None:
        """Learn when each endpoint's results begin, and at which beat they come."""
        rows = self._connection.execute(select(endpoint.c.id, endpoint.c.first).where(endpoint.c.first.is_not(None)))
        self._first = {row.id: row.first for row in rows}
        self._metronome.load(self._connection)

    def write(self, results: Iterable[Result]) -> Sequence[Row]:
        """Write each result that is not there yet and not too old to be kept; what was written or there, in order."""
        # Sorted, because rows in the table's order fill its pages.
        rows: Sequence[Row] = sorted([self._row(one) for one in results], key=_slot)
        if rows:
            rows = self._place(rows)
        self._facts.renew()
        if self._earlier:
            first = [{"of": identity, "slot": slot} for identity, slot in self._earlier.items()]
            self._connection.execute(_SET_FIRST, first)
        return rows

    def keep(self) -> None:
        """The transaction was committed."""
        self._first |= self._earlier
        self._earlier = {}

    def forget(self) -> None:
        """The transaction failed: what was learned in it is in no table."""
        self._earlier = {}
        self._locations.forget()
        self._facts.forget()

    def _place(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Late ones of a packed hour go into its chunks; the rest is raw."""
        reached = marks(self._connection)
        begin = reached[Mark.PACKED]
        if rows[0][0] < reached[Mark.FORGOTTEN]:
            rows = [row for row in rows if row[0] >= reached[Mark.FORGOTTEN]]
        late = [row for row in rows if row[0] < begin] if rows and rows[0][0] < begin else []
        if late:
            packed.merge(self._connection, map(line_of, late))
        raw = rows[len(late) :]
        insert_once(self._connection, result, raw)
        self._metronome.note(self._connection, map(_identity, raw))
        return rows

    def _row(self, one: Result) -> Row:
        slot, http = one.slot, one.http
        if slot < self._first.get(one.endpoint, _NEVER):
            self._earlier[one.endpoint] = min(slot, self._earlier.get(one.endpoint, slot))
        place = self._locations.number(one.location)
        if one.failure is not None or one.warnings:
            return self._unusual(one, place, None)
        # The conditions as they are, all true in the usual case: to take them apart would cost more than the rest.
        circumstances = (
            one.revision,
            one.outcome,
            one.peer,
            one.tls,
            http and (http.version, http.status),
            one.conditions,
            one.trigger,
            one.stale_retry,
            one.maintenance,
        )
        scene = self._facts.usual((one.endpoint, one.connection), circumstances, slot)
        if scene is None:
            return self._unusual(one, place, circumstances)
        return encode(one, place, scene, 0, None)

    def _unusual(self, one: Result, place: int, circumstances: object) -> Row:
        whose, content, remarks = (one.endpoint, one.connection), scene_of(one), remarks_of(one)
        if remarks == _NOTHING:
            return encode(one, place, self._facts.scene(whose, circumstances, content, one.slot), 0, None)
        scene = self._facts.scene(whose, None, content, one.slot)
        return encode(one, place, scene, *self._facts.remarks(remarks, one.slot))
