"""How an outcome looks in a terminal: the shapes of the pages, and the colours a terminal has for them."""

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.web.words import SHAPES


class Mark(msgspec.Struct, frozen=True):
    """A shape that says the outcome without colour, and the style that says it again."""

    shape: str
    style: str


MARKS = {
    Outcome.UP: Mark(SHAPES[Outcome.UP], "green"),
    Outcome.DEGRADED: Mark(SHAPES[Outcome.DEGRADED], "yellow"),
    Outcome.DOWN: Mark(SHAPES[Outcome.DOWN], "red"),
    Outcome.UNKNOWN: Mark(SHAPES[Outcome.UNKNOWN], "bright_black"),
}
