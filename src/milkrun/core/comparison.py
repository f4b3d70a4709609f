"""The three kinds of comparison. Each holds, or gives the sentence that says why not, as Gatus shows it.

`==` and `!=` compare two integers as integers and anything else as text; the other operators need numbers,
durations counting as milliseconds. A comparison that makes no sense (a text that is no number, a path that leads
nowhere, no certificate) fails and says why.
"""

import msgspec

from milkrun.core.evidence import Evidence
from milkrun.core.operands import (
    MAX_SHOWN,
    MAX_SHOWN_BESIDE_PATTERN,
    Choice,
    Literal,
    Reference,
    Term,
    shorten,
    shown_equal,
    shown_ordered,
)
from milkrun.core.placeholders import Figure
from milkrun.core.values import COMPARE, Missing, Operator, equal

EQUALITIES = {Operator.EQUAL: True, Operator.UNEQUAL: False}


class Equality(msgspec.Struct, frozen=True, kw_only=True):
    """`==` or `!=` between two values."""

    left: Term
    operator: Operator
    right: Term

    def objection(self, evidence: Evidence) -> str | None:
        """None where it holds, else the comparison with its values."""
        left, right = self.left.resolve(evidence), self.right.resolve(evidence)
        if not isinstance(left, Missing) and not isinstance(right, Missing) and self._holds(left, right):
            return None
        return f"{shown_equal(self.left, left)} {self.operator} {shown_equal(self.right, right)}"

    def _holds(self, left: str | float, right: str | float) -> bool:
        return equal(left, right) is EQUALITIES[self.operator]


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """`==` or `!=` between a value and a choice; `choice_first` remembers how it was written."""

    term: Term
    operator: Operator
    choice: Choice
    choice_first: bool = False

    def objection(self, evidence: Evidence) -> str | None:
        """None where it holds, else the comparison with its value."""
        value = self.term.resolve(evidence)
        if not isinstance(value, Missing) and self.choice.accepts(value) is EQUALITIES[self.operator]:
            return None
        limit = MAX_SHOWN if self.choice.glob is None else MAX_SHOWN_BESIDE_PATTERN
        term, choice = shown_equal(self.term, value, limit), shorten(self.choice.text, MAX_SHOWN)
        return f"{choice} {self.operator} {term}" if self.choice_first else f"{term} {self.operator} {choice}"


class Ordering(msgspec.Struct, frozen=True, kw_only=True):
    """One of `< <= > >=` between two numbers."""

    left: Term
    operator: Operator
    right: Term

    def objection(self, evidence: Evidence) -> str | None:
        """None where it holds, else the comparison with its values and the reason where one is no number."""
        left, right = self.left.resolve(evidence), self.right.resolve(evidence)
        one, other = self.left.measure(left), self.right.measure(right)
        if one is not None and other is not None and COMPARE[self.operator](one, other):
            return None
        return f"{shown_ordered(self.left, left)} {self.operator} {shown_ordered(self.right, right)}"


Comparison = Equality | Membership | Ordering


def plain(comparison: Comparison) -> tuple[Figure, float] | None:
    """The figure and the number, where the comparison is of nothing else, as `[STATUS] == 200`; else None."""
    if isinstance(comparison, Membership) or not isinstance(comparison.right, Literal):
        return None
    left = comparison.left
    if not isinstance(left, Reference) or left.function is not None or left.placeholder.figure is None:
        return None
    right = comparison.right
    number = right.number if isinstance(comparison, Ordering) else right.integer
    return None if number is None else (left.placeholder.figure, number)
