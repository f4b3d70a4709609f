"""Flapping: a state that changes so often that each change told would be noise."""

import msgspec


class Flapping(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint flaps when its state changes `changes` times within `within` ms, until `calm` ms without one."""

    changes: int = 6
    within: int = 600_000
    calm: int = 600_000


def noted(changes: tuple[int, ...], at: int, rule: Flapping | None) -> tuple[int, ...]:
    """The slots of the last changes with one more: no more of them than the rule looks at."""
    return () if rule is None else (*changes, at)[-rule.changes :]


def flaps(changes: tuple[int, ...], at: int, rule: Flapping | None, *, already: bool) -> bool:
    """Whether it flaps at slot `at`: what does so `already` goes on until it is calm."""
    if rule is None or not changes or at - changes[-1] >= rule.calm:
        return False
    return already or (len(changes) == rule.changes and changes[-1] - changes[0] <= rule.within)
