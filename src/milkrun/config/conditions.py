"""Conditions as configuration: read once each, however many endpoints share them."""

from collections.abc import Sequence

from milkrun.config.section import Section, Words
from milkrun.core.condition import Condition, parse_condition
from milkrun.core.grammar import ConditionError, NotBuiltError


class ConditionReader:
    """Reads lists of conditions; the same text gives the same Condition."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Condition] = {}

    def read(self, section: Section, key: str, words: Sequence[Words]) -> tuple[Condition, ...]:
        """The conditions that can be read; the others are reported, those of Gatus's not built yet as warnings."""
        found = (self._read(section, key, one) for one in words)
        return tuple([condition for condition in found if condition is not None])

    def _read(self, section: Section, key: str, words: Words) -> Condition | None:
        known = self._known.get((words.text, words.written))
        if known is not None:
            return known
        try:
            condition = parse_condition(words.text, written=words.written if words.secrets else None)
        except NotBuiltError as err:
            section.warning(key, f"{err.expected}; this condition is left out")
            return None
        except ConditionError as err:
            section.problem_at(words, f"not a condition: {err}")
            return None
        self._known[words.text, words.written] = condition
        return condition
