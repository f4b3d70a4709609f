"""Columns to Results, with what they refer to looked up once."""

from sqlalchemy import Connection, select

from milkrun.core.result import Result
from milkrun.store import schema
from milkrun.store.columns import Columns, results_of
from milkrun.store.facts import FactReader, Remarks, Scene


class Decoder:
    """Remembers what results refer to. Safe to share between threads; each step is one dictionary operation."""

    def __init__(self) -> None:
        self._facts = FactReader()
        self._locations: dict[int, str] = {}

    def results(self, connection: Connection, columns: Columns) -> list[Result]:
        """The Results of these rows, in their order; in the transaction that read them."""
        scenes = self.scenes(connection, set(columns.scene))
        remarks = self._facts.load(connection, set(columns.remarks) - {0}, Remarks)
        return results_of(columns, scenes, remarks, self.locations(connection, set(columns.location)))

    def scenes(self, connection: Connection, identities: set[int]) -> dict[int, Scene]:
        """These scenes."""
        return self._facts.load(connection, identities, Scene)

    def locations(self, connection: Connection, identities: set[int]) -> dict[int, str]:
        """The names of these locations, and of others."""
        if not identities <= self._locations.keys():
            table = schema.location.c
            self._locations = {row.id: row.name for row in connection.execute(select(table.id, table.name))}
        return self._locations

    def forget(self) -> None:
        """What was read last is in no table: the transaction failed, and its ids may be given again."""
        self._facts = FactReader()
        self._locations = {}
