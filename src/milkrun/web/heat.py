"""The heat map: one cell an endpoint, in an order that never changes with state, so that nothing moves. Pure."""

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.web import marks
from milkrun.web.listing import Members

COLUMNS = 100
FEW = 200  # endpoints in the largest group, up to which cells are large
FEW_COLUMNS = 50


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """One group's cells, drawn. `columns` and `rows` give the picture's shape."""

    name: str
    total: int
    columns: int
    rows: int
    paths: marks.Paths


def heat(members: Members) -> list[Heat]:
    """Draw each group, in the order of the names; all with cells of one size, large where there are few."""
    largest = max(map(len, members.values()), default=0)
    columns = COLUMNS if largest > FEW else FEW_COLUMNS
    return [_draw(name, [entry.state.state for entry in entries], columns) for name, entries in members.items()]


def _draw(name: str, states: list[Outcome], columns: int) -> Heat:
    rows = -(-len(states) // columns)
    return Heat(name=name, total=len(states), columns=columns, rows=rows, paths=marks.cells(states, columns))
