"""Locations by number, for the writer: a name is written once."""

from sqlalchemy import Connection, insert, select

from milkrun.store.schema import location
from milkrun.store.texts import storable


class Locations:
    """Finds or gives ids, inside the writer's transaction. After one that failed, `forget` what it gave."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The id of a location."""
        return self._known.get(name) or self._look_up(name)

    def forget(self) -> None:
        """The transaction failed: what it gave is in no table."""
        self._known = {}

    def _look_up(self, name: str) -> int:
        text = storable(name)
        known: int | None = self._connection.scalar(select(location.c.id).where(location.c.name == text))
        if known is None:
            given = self._connection.execute(insert(location).returning(location.c.id), {"name": text})
            known = int(given.scalar_one())
        self._known[name] = known
        return known
