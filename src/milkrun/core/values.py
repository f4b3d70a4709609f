"""The values conditions compare: numbers, texts, and the lack of one with its reason."""

import operator
import re
from collections.abc import Callable
from enum import StrEnum

import msgspec

from milkrun.core.durations import MAX_LENGTH, parse_duration
from milkrun.core.jsonpath import number_text


class Missing(msgspec.Struct, frozen=True):
    """There is no value; `reason` is shown in its place."""

    reason: str


Value = str | int | float | Missing

INVALID = Missing("INVALID")


class Operator(StrEnum):
    """The six comparisons."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="


COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}

# Go's integers, base told by the prefix; a leading zero alone means octal, as in C.
_INTEGER = re.compile(r"[+-]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9]\d*|0)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_INT64 = 1 << 63


def integer_of(value: str | float) -> int | None:
    """The 64-bit integer that `value` is or spells, else None."""
    if isinstance(value, int):
        return value
    if isinstance(value, float) or len(value) > MAX_LENGTH + 2 or _INTEGER.fullmatch(value) is None:
        return None
    number = _spelled(value)
    return number if -_INT64 <= number < _INT64 else None


def _spelled(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = f"0o{digits[1:]}"
    number = int(digits, 0)
    return -number if text.startswith("-") else number


def number_of(value: Value) -> float | None:
    """The number that `value` is or spells, durations as milliseconds; None for any other text, or none at all."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, Missing):
        return None
    if len(value) > MAX_LENGTH:
        return None
    duration = parse_duration(value)
    if duration is not None:
        return duration
    integer = integer_of(value)
    if integer is not None:
        return integer
    return float(value) if _DECIMAL.fullmatch(value) else None


def written(value: str | float) -> str:
    """A value as text."""
    return number_text(value) if isinstance(value, float) else str(value)


def equal(one: str | float, other: str | float) -> bool:
    """Two integers as integers, anything else as text."""
    if one == other:
        return True
    left, right = integer_of(one), integer_of(other)
    if left is not None and right is not None:
        return left == right
    return written(one) == written(other)
