"""The figures of a round, and what is typical of several rounds. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median_low
from typing import Any

import msgspec

from milkrun.client.compare.plan import Contestant


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What some requests took.

    Attributes:
        requests: how many were sent.
        answered: how many of them were answered, whatever the status.
        wall, cpu: seconds; CPU time is the whole process's, all threads.
        p50, p99: seconds a request that was answered took, the making and closing of its client included; None: none
            was.
        lookups: names asked of the system's resolver.
        connections: TCP connections opened.
        handshakes: TLS handshakes begun.
        contexts: SSL contexts built.
    """

    requests: int
    answered: int
    wall: float
    cpu: float
    p50: float | None
    p99: float | None
    lookups: int
    connections: int
    handshakes: int
    contexts: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant's round.

    Attributes:
        whole: from before its client is made until after it is closed.
        burst: from before the client is made until the first requests, as many as go at once, have ended.
        steady: the requests after them; None: there were none.
        failed_connections: attempts to connect that came to nothing.
        descriptors: open at once, at most.
        descriptor_limit: how many the process may have.
        time_wait: sockets of this round left in TIME_WAIT on this machine; None: this system does not tell.
        kernel_connections: opened meanwhile by all processes of the network namespace; None: this system does not tell.
        statuses, errors: how many answers had which status, how many requests ended in which error.
    """

    contestant: Contestant
    whole: Figures
    burst: Figures
    steady: Figures | None
    failed_connections: int
    descriptors: int
    descriptor_limit: int
    time_wait: int | None
    kernel_connections: int | None
    statuses: dict[str, int]
    errors: dict[str, int]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A contestant's rounds and what is typical of them.

    Attributes:
        typical: the median of each figure (of an even number the lower of the two in the middle: one that occurred);
            statuses and errors are of all rounds together.
        low, high: the least and the most of each figure of the whole rounds.
    """

    contestant: Contestant
    typical: Round
    low: Figures
    high: Figures
    rounds: tuple[Round, ...]


def standing(rounds: Sequence[Round]) -> Standing:
    """What is typical of a contestant's rounds, at least one."""
    wholes = [each.whole for each in rounds]
    return Standing(
        contestant=rounds[0].contestant,
        typical=_typical(rounds),
        low=_merged(wholes, min),
        high=_merged(wholes, max),
        rounds=tuple(rounds),
    )


def quantile(values: Iterable[float], share: float) -> float | None:
    """The quantile of `values`, by nearest rank; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _typical(rounds: Sequence[Round]) -> Round:
    steady = [each.steady for each in rounds if each.steady is not None]
    return msgspec.structs.replace(
        rounds[0],
        whole=_merged([each.whole for each in rounds], median_low),
        burst=_merged([each.burst for each in rounds], median_low),
        steady=_merged(steady, median_low) if steady else None,
        **{
            name: _pick([getattr(each, name) for each in rounds], median_low)
            for name in ("failed_connections", "descriptors", "time_wait", "kernel_connections")
        },
        statuses=_sum(each.statuses for each in rounds),
        errors=_sum(each.errors for each in rounds),
    )


def _merged(figures: Sequence[Figures], pick: Callable[[Sequence[Any]], Any]) -> Figures:
    names = Figures.__struct_fields__
    return Figures(**{name: _pick([getattr(each, name) for each in figures], pick) for name in names})


def _pick(values: Sequence[Any], pick: Callable[[Sequence[Any]], Any]) -> Any:
    known = [value for value in values if value is not None]
    return pick(known) if known else None


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))
