"""Conditions in Gatus's dialect: parsed once, evaluated without input or output."""

from collections.abc import Callable

import msgspec

from milkrun.core.comparison import Comparison, Membership, plain
from milkrun.core.evidence import Evidence
from milkrun.core.grammar import parse_comparison
from milkrun.core.operands import Reference
from milkrun.core.placeholders import Figure
from milkrun.core.result import ConditionResult
from milkrun.core.values import COMPARE


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed condition; make one with `parse_condition`. `text` is what the user wrote.

    `needs_body` and `needs_headers` tell the probe what to keep; `is_time` says that the verdict depends on how
    fast Milkrun itself was. `plain` is the figure and the number where the condition compares nothing else, as nearly
    every endpoint's do, so that it is decided by `compare` alone. `hidden` is what a failure shows where the values
    must not be seen.
    """

    text: str
    comparison: Comparison
    needs_body: bool
    needs_headers: bool
    is_time: bool
    plain: tuple[Figure, float] | None
    compare: Callable[[float, float], bool]
    passing: ConditionResult
    hidden: ConditionResult | None = None

    def __repr__(self) -> str:
        return f"<Condition {self.text}>"  # its parts may hold a secret that `text` does not

    def evaluate(self, evidence: Evidence) -> ConditionResult:
        """This condition's verdict on one check."""
        if self.plain is not None:
            figure, number = self.plain
            value = figure(evidence)
            if value is not None and self.compare(value, number):
                return self.passing
        objection = self.comparison.objection(evidence)
        if objection is None:
            return self.passing
        if self.hidden is not None:
            return self.hidden
        return ConditionResult(condition=self.text, passed=False, shown=objection)


def parse_condition(text: str, *, written: str | None = None) -> Condition:
    """Read one condition. Raises ConditionError, which says where it went wrong and what was expected.

    `written` is what to show in place of `text` where that holds a secret; then no values are shown either.
    """
    hidden = None
    if written is not None:
        hidden = ConditionResult(condition=written, passed=False, shown=f"{written} (values hidden)")
    shown = text if written is None else written
    comparison = parse_comparison(text)
    needs = [side.placeholder for side in _terms(comparison) if isinstance(side, Reference)]
    return Condition(
        text=shown,
        comparison=comparison,
        needs_body=any(placeholder.needs_body for placeholder in needs),
        needs_headers=any(placeholder.needs_headers for placeholder in needs),
        is_time=any(placeholder.is_time for placeholder in needs),
        plain=plain(comparison),
        compare=COMPARE[comparison.operator],
        passing=ConditionResult(condition=shown, passed=True, shown=shown),
        hidden=hidden,
    )


def _terms(comparison: Comparison) -> tuple[object, ...]:
    return (comparison.term,) if isinstance(comparison, Membership) else (comparison.left, comparison.right)
