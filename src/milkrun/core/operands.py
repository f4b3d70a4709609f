"""The two sides of a condition: a literal, a reference to a placeholder, or a choice of many texts."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from milkrun.core.durations import format_duration
from milkrun.core.evidence import Evidence
from milkrun.core.glob import Glob
from milkrun.core.jsonpath import Path
from milkrun.core.masking import HIDDEN, is_secret, masked_text
from milkrun.core.placeholders import PLACEHOLDERS, Placeholder
from milkrun.core.values import Missing, Value, integer_of, number_of, written

# What is shown of one value, at most; beside a pattern less, as Gatus has it, because it is mostly a whole page.
MAX_SHOWN = 200
MAX_SHOWN_BESIDE_PATTERN = 25
_FLAGS = frozenset({"true", "false"})


class Function(StrEnum):
    """What is asked of a placeholder's value instead of the value itself."""

    LEN = "len"
    HAS = "has"


class Literal(msgspec.Struct, frozen=True, kw_only=True):
    """A text as written, and the number (durations in milliseconds) and the integer that it spells, if any."""

    text: str
    number: float | None
    integer: int | None

    def resolve(self, _evidence: Evidence) -> Value:
        """Its text, which is what equality compares."""
        return self.text

    def measure(self, _value: Value) -> float | None:
        """Its number, known since it was read."""
        return self.number


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A placeholder, perhaps with a path into it and a function around it; `text` is as written."""

    text: str
    name: str
    path: Path = ()
    function: Function | None = None

    @property
    def placeholder(self) -> Placeholder:
        """How it is read."""
        return PLACEHOLDERS[self.name]

    def resolve(self, evidence: Evidence) -> Value:
        """What it stands for in one check."""
        placeholder = PLACEHOLDERS[self.name]
        if self.function is Function.LEN and placeholder.length is not None:
            return placeholder.length(evidence, self.path)
        value = placeholder.read(evidence, self.path)
        if self.function is None:
            return value
        if self.function is Function.HAS:
            return "false" if isinstance(value, Missing) or value == "" else "true"
        return value if isinstance(value, Missing) else len(written(value).encode())

    def measure(self, value: Value) -> float | None:
        """The number of what it stands for, if it is one."""
        return number_of(value)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """`pat(glob)` or `any(a, b)`: not one value but many, which another value may be among."""

    text: str
    glob: Glob | None = None
    texts: frozenset[str] = frozenset()
    integers: frozenset[int] = frozenset()

    def accepts(self, value: str | float) -> bool:
        """Whether the whole value matches the pattern, or equals one of the options."""
        if self.glob is not None:
            return self.glob.matches(written(value))
        return integer_of(value) in self.integers or written(value) in self.texts


def options(text: str, listed: Iterable[str]) -> Choice:
    """`any(…)`, its options equal to a value as two values are equal: as integers if both are, else as text."""
    texts = frozenset(option.strip() for option in listed)
    integers = (integer_of(option) for option in texts)
    return Choice(text=text, texts=texts, integers=frozenset(integer for integer in integers if integer is not None))


Term = Literal | Reference


def shown_equal(operand: Term, value: Value, limit: int = MAX_SHOWN) -> str:
    """As written, and a reference with its value, or why it has none, in parentheses."""
    text = shorten(operand.text, MAX_SHOWN)
    if isinstance(operand, Literal):
        return text
    shown = value.reason if isinstance(value, Missing) else _seen(operand, value, limit)
    return f"{text} {shown}" if shown == HIDDEN else f"{text} ({shown})"


def shown_ordered(operand: Term, value: Value) -> str:
    """The same where numbers were expected: what is none says so, and a certificate's rest is a duration."""
    plain = shown_equal(operand, value)
    if isinstance(value, Missing):
        return plain
    number = operand.measure(value)
    if number is None:
        return f"{plain} (not a number)" if isinstance(operand, Literal) else f"{plain[:-1]}, not a number)"
    if isinstance(operand, Reference) and operand.function is None and operand.placeholder.is_duration:
        return f"{shorten(operand.text, MAX_SHOWN)} ({format_duration(number)})"
    return plain


def _seen(operand: Reference, value: str | float, limit: int) -> str:
    """A value as anybody may see it: without secrets, by the name it was asked for, or by those in it."""
    text = written(value)
    if operand.function is None and text not in _FLAGS and _names_a_secret(operand.path):
        return HIDDEN
    return masked_text(text[:limit]) + shorten(text, limit)[limit:]


def _names_a_secret(path: Path) -> bool:
    return any(is_secret(step) for step in path if isinstance(step, str))


def shorten(text: str, limit: int) -> str:
    """`text`, cut where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[:limit]}...(truncated)"
