"""Whose fault it is when hosts cannot be reached: theirs, or our own network's. No I/O.

What counts is hosts, not endpoints: many ports of one host that refuse are that host's outage. A host that has just
begun to fail at dns or connect speaks for trouble of ours, one that has answered since then against it. A host that
has failed for longer than the rule looks back counts neither way.

A connection that stood is silent when the network is cut as when its server hangs. So a timeout after connecting is in
doubt: it speaks for neither, and is our network's only where that is seen by something else.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result

# With fewer hosts than this, nothing can be told apart.
FEWEST_HOSTS = 3
# The layers in which a host is not reached at all.
REACHING = frozenset({Layer.DNS, Layer.CONNECT})
# So many times more hosts answer than fail: it is clear that it is not our network.
_CLEARLY = 3


class NetworkRule(msgspec.Struct, frozen=True, kw_only=True):
    """At least `hosts` (all of them, where there are fewer) and at least `share` of those heard of `within` ms."""

    hosts: int = 5
    share: float = 0.5
    within: int = 30_000


class Blame(StrEnum):
    """Whose trouble it is, as far as one can tell."""

    OURS = "ours"
    THEIRS = "theirs"
    UNCLEAR = "unclear"


class Network:
    """What is known of hosts by their last results. Times are milliseconds of any clock that does not go back."""

    def __init__(self, rule: NetworkRule) -> None:
        self.gone = False
        self._rule = rule
        self._failing: dict[str, int] = {}
        self._doubtful: set[str] = set()
        self._theirs: set[str] = set()
        self._answered: dict[str, int] = {}
        self._watching_until = 0
        self._lost: set[str] = set()
        self._peak = 0

    @property
    def quiet(self) -> bool:
        """Whether no host is known to fail, so that an answer says nothing new."""
        return not self._failing and not self.gone

    def failed(self, host: str, at: int, *, doubtful: bool = False) -> bool:
        """A host failed at dns or connect, or `doubtful` after that; says whether it is new enough to be our doing."""
        since = self._failing.setdefault(host, at)
        (self._doubtful.add if doubtful else self._doubtful.discard)(host)
        self._answered.pop(host, None)
        if at - since >= self._rule.within and host not in self._lost:
            return False
        if host in self._theirs and not self.gone:
            return False
        self._watching_until = at + self._rule.within
        if self.gone:
            self._lose([host])
        return True

    def absolve(self, hosts: Iterable[str]) -> None:
        """These are their own trouble: until they answer, that they fail again is no news."""
        self._theirs.update(hosts)

    def failed_long_ago(self, host: str, at: int) -> None:
        """A host has been out since before `at`, so that its failures are no news."""
        self._failing[host] = at - self._rule.within

    def answered(self, host: str, at: int) -> None:
        """A host answered, whatever it said. Nothing is kept of it while no host has failed lately."""
        if self.gone or at < self._watching_until:
            self._answered[host] = at
        elif self._answered:
            self._answered.clear()
        if self._failing:
            self._failing.pop(host, None)
            self._doubtful.discard(host)
            self._theirs.discard(host)
            self._lost.discard(host)

    def is_failing(self, host: str) -> bool:
        """Whether it could not be reached when it was last heard of."""
        return host in self._failing and host not in self._doubtful

    def forget(self, host: str) -> None:
        """Nobody watches this host any more."""
        self._failing.pop(host, None)
        self._answered.pop(host, None)
        self._doubtful.discard(host)
        self._theirs.discard(host)
        self._lost.discard(host)

    def blame(self, at: int, hosts: int, *, since: int = 0) -> Blame:
        """Whose trouble the failures of lately are; `hosts` is how many are watched.

        Only who has answered `since` the first of them speaks against its being ours.
        """
        new = self._new(at)
        watched = hosts - (len(self._failing) - len(new))
        if watched < FEWEST_HOSTS:
            return Blame.THEIRS
        needed = min(self._rule.hosts, watched)
        unreached = sum(1 for host in new if host not in self._doubtful)
        answered = [when for when in self._answered.values() if at - when < self._rule.within]
        if unreached >= needed and unreached >= self._rule.share * (unreached + len(answered)):
            return Blame.OURS
        meanwhile = sum(1 for when in answered if when >= since)
        return Blame.THEIRS if meanwhile >= max(needed, _CLEARLY * len(new)) else Blame.UNCLEAR

    def lose(self, at: int) -> int:
        """It is our own network: what fails from now on is its doing, until hosts answer again. Says how many fail."""
        self.gone = True
        self._answered.clear()
        self._lose(self._new(at))
        return len(self._lost)

    def is_back(self, hosts: int) -> bool:
        """Whether it is over: most of the lost hosts have answered again, or clearly more hosts answer than fail.

        Where so few are lost that they alone would not have told, it is enough that all the others answer. What still
        fails is not our network's doing any more.
        """
        others = hosts - len(self._lost)
        enough = max(min(self._rule.hosts, others), _CLEARLY * len(self._lost))
        if len(self._lost) < min(self._rule.hosts, hosts):
            enough = min(enough, others)
        if len(self._lost) * 2 >= self._peak:
            if len(self._answered) < enough:
                return False
            self.absolve(self._lost)
        self.gone, self._peak = False, 0
        self._lost.clear()
        return True

    def _new(self, at: int) -> list[str]:
        return [host for host, since in self._failing.items() if at - since < self._rule.within]

    def _lose(self, hosts: list[str]) -> None:
        self._lost.update(hosts)
        self._peak = max(self._peak, len(self._lost))


def unreached(result: Result) -> Failure | None:
    """The failure that a result is, where it is one as our own network's would be; else None."""
    failure = result.failure
    if failure is None:
        return None
    return failure if failure.layer in REACHING or failure.kind == "timeout" else None


def ours(result: Result, failure: Failure) -> Result:
    """The same result as our own network's failure, with the original one in its message."""
    message = f"our own network is in trouble; this was {failure.layer}/{failure.kind}: {failure.message}"
    return msgspec.structs.replace(
        result, outcome=Outcome.UNKNOWN, failure=Failure(layer=Layer.SELF, kind="network", message=message)
    )
