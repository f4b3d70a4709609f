"""How an outcome looks in a terminal: the shapes of the pages, and the colours a terminal has for them."""

import msgspec

from milkrun.core.outcome import Outcome


class Mark(msgspec.Struct, frozen=True):
    """A shape that says the outcome without colour, and the style that says it again."""

    shape: str
    style: str


MARKS = {
    Outcome.UP: Mark("●", "green"),
    Outcome.DEGRADED: Mark("◐", "yellow"),
    Outcome.DOWN: Mark("▲", "red"),
    Outcome.UNKNOWN: Mark("○", "bright_black"),
}
