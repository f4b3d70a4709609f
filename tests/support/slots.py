"""When an endpoint is due, as the rule says it: apart from the route that walks thousands of them in order."""


def next_slot(now: int, phase: int, interval: int) -> int:
    """The first slot at or after `now`."""
    return now + (phase - now) % interval


def slots_between(began: int, ended: int, phase: int, interval: int) -> range:
    """Every slot from `began` on and before `ended`, oldest first."""
    return range(next_slot(began, phase, interval), ended, interval)
