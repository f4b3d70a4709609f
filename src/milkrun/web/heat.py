"""The heat map: one cell an endpoint, in an order that never changes with state, so that nothing moves. Pure."""

import msgspec

from milkrun.web import marks
from milkrun.web.entry import Entry
from milkrun.web.listing import Group

COLUMNS = 100


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """One group's cells, drawn. `columns` and `rows` give the picture's shape."""

    name: str
    total: int
    columns: int
    rows: int
    paths: marks.Paths


def cell_order(entries: list[Entry]) -> list[Entry]:
    """The order of the cells: by name, whatever the state."""
    return sorted(entries, key=lambda entry: (entry.endpoint.name, entry.endpoint.key))


def heat(groups: list[Group]) -> list[Heat]:
    """Draw each group, in the order of the names of groups."""
    return [_draw(group) for group in sorted(groups, key=lambda group: group.name)]


def _draw(group: Group) -> Heat:
    states = [entry.state.state for entry in cell_order(group.entries)]
    rows = -(-len(states) // COLUMNS)
    return Heat(name=group.name, total=len(states), columns=COLUMNS, rows=rows, paths=marks.cells(states, COLUMNS))
