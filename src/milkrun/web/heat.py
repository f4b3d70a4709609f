"""The heat map: one cell an endpoint, in an order that never changes with state, so that nothing moves. Pure."""

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.web import marks
from milkrun.web.listing import Members

COLUMNS = 100


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """One group's cells, drawn. `columns` and `rows` give the picture's shape."""

    name: str
    total: int
    columns: int
    rows: int
    paths: marks.Paths


def heat(members: Members) -> list[Heat]:
    """Draw each group, in the order of the names."""
    return [_draw(name, [entry.state.state for entry in entries]) for name, entries in members.items()]


def _draw(name: str, states: list[Outcome]) -> Heat:
    rows = -(-len(states) // COLUMNS)
    return Heat(name=name, total=len(states), columns=COLUMNS, rows=rows, paths=marks.cells(states, COLUMNS))
