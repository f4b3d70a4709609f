"""Numbers as callers give them, judged where they are given: what means nothing would else fail later, or never."""

from milkrun.client.errors import UsageError

_LONGEST = 86_400.0  # seconds: what loops can count to


def seconds(what: str, value: float) -> float:
    """A time that can be waited for, or UsageError."""
    if not 0 < value <= _LONGEST:
        raise UsageError(f"{what}={value!r}: expected seconds, more than 0 and no more than a day")
    return value


def at_least(least: int, what: str, value: int) -> int:
    """A number of that many or more, or UsageError."""
    if value < least:
        raise UsageError(f"{what}={value!r}: expected {least} or more")
    return value


def share(what: str, value: float) -> float:
    """A part of the whole: more than 0, less than 1, or UsageError."""
    if not 0 < value < 1:
        raise UsageError(f"{what}={value!r}: expected a share, more than 0 and less than 1")
    return value
