"""What a run comes to, in numbers."""

from collections import Counter
from statistics import median

from examples.flight_prices.quotes import NO_DESCRIPTOR
from examples.flight_prices.run import Run


def quantile(run: Run, q: float) -> float:
    """The `q` quantile of the seconds until users had an answer, or none for good; by nearest rank."""
    ordered = sorted(visit.seconds for visit in run.visits)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def answered(run: Run) -> int:
    """Users who got prices."""
    return sum(visit.answered for visit in run.visits)


def complete(run: Run) -> int:
    """Users who got the prices of every airline."""
    return sum(visit.answered and not visit.missing for visit in run.visits)


def failures(run: Run) -> "Counter[str]":
    """Users who got none, by what they met."""
    return Counter(visit.failure for visit in run.visits if visit.failure)


def missing(run: Run) -> "Counter[str]":
    """Airlines missing in answers, by reason."""
    counted: Counter[str] = Counter()
    for visit in run.visits:
        counted.update(visit.missing)
    return counted


def out_of_descriptors(run: Run) -> int:
    """How often the service could not open something (EMFILE), by its answers and by its log."""
    return missing(run)[NO_DESCRIPTOR] + run.cries


def deprived(run: Run) -> int:
    """Users who got prices, but not all, because the service could not open something."""
    return sum(visit.answered and NO_DESCRIPTOR in visit.missing for visit in run.visits)


def highest(run: Run, since: float = 0.0, until: float = float("inf")) -> int:
    """The most descriptors that were seen open between two times of the run."""
    return max((sample.descriptors for sample in run.samples if since <= sample.at < until), default=0)


def usual(run: Run, since: float, until: float) -> int:
    """The median of the descriptors that were seen open between two times of the run."""
    return round(median([sample.descriptors for sample in run.samples if since <= sample.at < until] or [0]))


def cpu_by_user(run: Run) -> float:
    """Seconds of the service's CPU time by user."""
    return (run.samples[-1].cpu - run.samples[0].cpu) / len(run.visits)


def connections(run: Run) -> int:
    """Connections that the airlines accepted."""
    return sum(seen.accepted for seen in run.airlines.values())


def handshakes(run: Run) -> int:
    """TLS handshakes that the airlines did to their end."""
    return sum(seen.greeted for seen in run.airlines.values())
