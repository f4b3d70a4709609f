"""Raw results on their way into the table: the hot path of every flush."""

from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, insert, select, update

from milkrun.core.result import Result
from milkrun.store.dialect import insert_once
from milkrun.store.facts import FactWriter, Remarks, Scene, remarks_of, storable
from milkrun.store.rows import Row, encode
from milkrun.store.schema import endpoint, location, result

_SET_FIRST = update(endpoint).where(endpoint.c.id == bindparam("of")).values(first=bindparam("slot"))
_NEVER = 1 << 63
_NOTHING = Remarks()
_slot = itemgetter(0)


class ResultWriter:
    """Writes results within the caller's transaction, which ends in `keep` or `forget`."""

    def __init__(self, connection: Connection, facts: FactWriter) -> None:
        self._connection = connection
        self._facts = facts
        self._insert = insert_once(result, connection.engine)
        self._locations: dict[str, int] = {}
        self._first: dict[int, int] = {}
        self._earlier: dict[int, int] = {}

    def load(self) -> None:
        """Learn when each endpoint's results begin."""
        rows = self._connection.execute(select(endpoint.c.id, endpoint.c.first).where(endpoint.c.first.is_not(None)))
        self._first = {row.id: row.first for row in rows}

    def write(self, results: Sequence[Result]) -> None:
        """Write each result that is not there yet."""
        # Tuples and the driver's own statement: the dictionaries that Core takes cost as much as the insert itself.
        # Sorted, because rows in the table's order fill its pages.
        rows = sorted([self._row(one) for one in results], key=_slot)
        if rows:
            self._connection.exec_driver_sql(self._insert, rows)
        self._facts.renew()
        if self._earlier:
            first = [{"of": identity, "slot": slot} for identity, slot in self._earlier.items()]
            self._connection.execute(_SET_FIRST, first)

    def keep(self) -> None:
        """The transaction was committed."""
        self._first |= self._earlier
        self._earlier = {}

    def forget(self) -> None:
        """The transaction failed: what was learned in it is in no table."""
        self._earlier = {}
        self._locations = {}
        self._facts.forget()

    def _row(self, one: Result) -> Row:
        slot, http = one.slot, one.http
        if slot < self._first.get(one.endpoint, _NEVER):
            self._earlier[one.endpoint] = min(slot, self._earlier.get(one.endpoint, slot))
        place = self._locations.get(one.location) or self._locate(one.location)
        # The conditions as they are, all true in the usual case: to take them apart would cost more than the rest.
        circumstances = (one.peer, one.tls, http and (http.version, http.status), one.conditions)
        if one.failure is None and not one.warnings:
            scene = self._facts.usual(one.endpoint, circumstances, slot)
            if scene is not None:
                return encode(one, place, scene, None, None)
        return self._unusual(one, place, circumstances)

    def _unusual(self, one: Result, place: int, circumstances: object) -> Row:
        content = Scene(
            peer=one.peer,
            tls=one.tls,
            version=one.http.version if one.http else None,
            status=one.http.status if one.http else None,
            conditions=tuple([condition.condition for condition in one.conditions]),
        )
        remarks = remarks_of(one)
        if remarks == _NOTHING:
            return encode(one, place, self._facts.scene(one.endpoint, circumstances, content, one.slot), None, None)
        scene = self._facts.scene(one.endpoint, None, content, one.slot)
        return encode(one, place, scene, *self._facts.remarks(remarks, one.slot))

    def _locate(self, name: str) -> int:
        text = storable(name)
        known: int | None = self._connection.scalar(select(location.c.id).where(location.c.name == text))
        if known is None:
            known = int(
                self._connection.execute(insert(location).returning(location.c.id), {"name": text}).scalar_one()
            )
        self._locations[name] = known
        return known
