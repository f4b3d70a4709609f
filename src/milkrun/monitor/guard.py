"""Stands between checks and the pipeline, so that trouble of our own network is told of no target.

A new failure to reach a host waits for a moment until it is clear whose trouble it is: other hosts fail or answer, and
witnesses are asked for a connection. Only the result waits; its check is over, and nothing of it is held.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from milkrun.clock import Clock
from milkrun.config.settings import NetworkSettings, Sentinel
from milkrun.core.endpoint import Registered
from milkrun.core.incident import OURSELVES, Incident, Kind
from milkrun.core.network import FEWEST_HOSTS, REACHING, Blame, Network, NetworkRule, ours, unreached
from milkrun.core.observation import Observation
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.monitor.pipeline import Pipeline
from milkrun.probes.way import is_direct

# Whether a TCP connection to a host and port opens; it ends by itself within the time given, in seconds.
Reach = Callable[[str, int, float], Coroutine[None, None, bool]]

# Where nobody named sentinels, so many hosts that were well are asked instead.
WITNESSES = 5
_PORTS = {"http": 80, "https": 443}


class Held(msgspec.Struct, frozen=True):
    """A result that waits, and what it needs to go on."""

    registered: Registered
    result: Result
    seen: Observation | None
    failure: Failure
    host: str

    @property
    def doubtful(self) -> bool:
        """Whether the host had been reached: then it can be asked itself whether it still can be."""
        return self.failure.layer not in REACHING

    def ours(self) -> Result:
        """The result as our own network's failure."""
        return ours(self.result, self.failure)


class Guard:
    """A recorder before the recorder. `run` asks witnesses; `release` lets everything go that waits."""

    def __init__(self, *, clock: Clock, recorder: Pipeline, settings: NetworkSettings, reach: Reach) -> None:
        self.add = recorder.add
        self.skip = recorder.skip
        self._clock = clock
        self._recorder = recorder
        self._notices = recorder.notices
        self._settings = settings
        self._reach = reach
        rule = NetworkRule(hosts=settings.hosts, share=settings.share, within=settings.within)
        self._network = Network(rule)
        self._places: dict[int, Sentinel] = {}
        self._watched: dict[str, set[int]] = {}
        self._asked_directly: set[int] = set()
        self._held: list[Held] = []
        self._since = 0
        self._back = 0.0
        self._decided = asyncio.Event()
        self._suspicion = asyncio.Event()

    def watch(self, arriving: Sequence[Registered], at: int) -> None:
        """Take endpoints up, or in another form, at `at` (epoch ms)."""
        self._recorder.watch(arriving, at)
        for registered in arriving:
            self._leave(registered.id)
            place = self._places[registered.id] = _place(registered.endpoint.target)
            self._watched.setdefault(place.host, set()).add(registered.id)
            if self._settings.direct and is_direct(registered.endpoint.options):
                self._asked_directly.add(registered.id)

    def resume(self, states: Mapping[int, EndpointState], at: int) -> None:
        """Go on where the last run stopped, at `at` (epoch ms): outages are no news, and our own trouble may last."""
        for endpoint, state in states.items():
            place = self._places.get(endpoint)
            if place is not None and state.incident is not None:
                self._network.failed_long_ago(place.host, self._now())
        if self._settings.enabled and len(self._watched) >= FEWEST_HOSTS:
            self._network.gone = self._notices.get(OURSELVES, Kind.NETWORK) is not None
        else:
            self._notices.close(OURSELVES, Kind.NETWORK, at)

    def retire(self, endpoint: int, at: int) -> None:
        """Watch an endpoint no more; a result of it that waits is kept, and moves nothing."""
        self._recorder.retire(endpoint, at)
        self._leave(endpoint)
        gone = [held for held in self._held if held.registered.id == endpoint]
        self._held = [held for held in self._held if held.registered.id != endpoint]
        for held in gone:
            self._recorder.skip(held.result)

    def settle(self, registered: Registered, result: Result, seen: Observation | None = None) -> None:
        """Let a result pass, make it our own network's, or let it wait until that is clear."""
        if result.failure is None and self._network.quiet:  # nearly every result
            self._recorder.settle(registered, result, seen)
            return
        place = self._places.get(registered.id)
        if place is None or not self._settings.enabled:
            self._recorder.settle(registered, result, seen)
        elif (failure := unreached(result)) is not None:
            self._unreached(Held(registered, result, seen, failure, place.host))
        else:
            if result.failure is None or result.failure.layer is not Layer.SELF:
                self._answered(place.host)
            self._recorder.settle(registered, result, seen)

    def release(self) -> None:
        """Whatever waits goes on as it is: it is the targets' trouble, or there is no more time to find out."""
        self._network.absolve(each.host for each in self._held)
        for each in self._decide():
            self._recorder.settle(each.registered, each.result, each.seen)

    async def run(self) -> None:
        """Ask witnesses whenever something waits, until cancelled."""
        while True:
            await self._suspicion.wait()
            self._suspicion.clear()
            if self._held:
                await self._ask(self._clock.now() + self._settings.hold / 1_000)

    def _unreached(self, held: Held) -> None:
        if held.result.maintenance and not self._network.gone:  # it was to be expected, and is no news after
            self._network.failed_long_ago(held.host, self._now())
        new = self._network.failed(held.host, self._now(), doubtful=held.doubtful)
        if not new or len(self._watched) < FEWEST_HOSTS:
            self._recorder.settle(held.registered, held.result, held.seen)
        elif self._network.gone or held.result.started < self._back:  # its check began when our network was gone
            self._recorder.settle(held.registered, held.ours(), held.seen)
        else:
            self._since = self._since if self._held else self._now()
            self._held.append(held)
            self._suspicion.set()
            self._judge()

    def _answered(self, host: str) -> None:
        self._network.answered(host, self._now())
        if self._network.gone and self._network.is_back(len(self._watched)):
            self._back = self._clock.wall()
            self._notices.close(OURSELVES, Kind.NETWORK, self._epoch())
        if self._held:
            self._judge()

    def _judge(self) -> None:
        blame = self._network.blame(self._now(), len(self._watched), since=self._since)
        if blame is Blame.OURS:
            self._lose()
        elif blame is Blame.THEIRS:
            self.release()

    def _lose(self) -> None:
        """It is our own network: one notice, and none of the failures is a target's."""
        lost = self._network.lose(self._now())
        cause = f"{lost} host{'' if lost == 1 else 's'} of {len(self._watched)} could not be reached, all at once"
        self._notices.open(
            Incident(
                endpoint=OURSELVES,
                opened=self._epoch(),
                closed=None,
                state=Outcome.UNKNOWN,
                cause=cause,
                kind=Kind.NETWORK,
            )
        )
        for each in self._decide():
            self._recorder.settle(each.registered, each.ours(), each.seen)

    def _decide(self) -> list[Held]:
        """All that waits, which it does no more: whoever is being asked about it need not answer."""
        held, self._held = self._held, []
        self._decided.set()
        return held

    async def _ask(self, until: float) -> None:
        """Ask witnesses, for no longer than until `until`; who answers decides, and so does that nobody does."""
        witnesses = self._settings.sentinels or self._others()
        within = until - self._clock.now()
        asked = [asyncio.create_task(self._reach(each.host, each.port, within)) for each in witnesses]
        self._decided.clear()
        over = asyncio.create_task(self._clock.sleep_until(until)), asyncio.create_task(self._decided.wait())
        try:
            answered = await _any(asked, over)
        finally:
            for task in (*asked, *over):
                task.cancel()
            await asyncio.gather(*asked, *over, return_exceptions=True)
        if self._decided.is_set():  # what waits now has come since, and its witnesses are asked next
            return
        if self._held and witnesses and not answered:
            self._lose()
        else:
            self.release()

    def _others(self) -> Sequence[Sentinel]:
        """Some hosts that are watched and not known to be out of reach, one place each; those in doubt come last."""
        held = {each.host: each.doubtful for each in self._held}
        well: list[Sentinel] = []
        doubtful: list[Sentinel] = []
        for host in self._watched:
            if len(well) == WITNESSES:
                break
            place = self._direct(host)
            if place is not None and held.get(host, True) and not self._network.is_failing(host):
                (doubtful if host in held else well).append(place)
        return (well + doubtful)[:WITNESSES]

    def _direct(self, host: str) -> Sentinel | None:
        """A place of this host to which checks connect as a witness is asked; None where there is none."""
        return next((self._places[each] for each in self._watched[host] if each in self._asked_directly), None)

    def _leave(self, endpoint: int) -> None:
        place = self._places.pop(endpoint, None)
        if place is None:
            return
        self._asked_directly.discard(endpoint)
        self._watched[place.host].discard(endpoint)
        if not self._watched[place.host]:
            del self._watched[place.host]
            self._network.forget(place.host)

    def _now(self) -> int:
        return int(self._clock.now() * 1_000)

    def _epoch(self) -> int:
        return int(self._clock.wall() * 1_000)


async def _any(asked: Iterable[asyncio.Task[bool]], over: Collection[asyncio.Task[Any]]) -> bool:
    """Whether one of them comes to True before it is over; that none does is only known then."""
    waiting = set(asked)
    while not any(task.done() for task in over):
        done, _ = await asyncio.wait({*waiting, *over}, return_when=asyncio.FIRST_COMPLETED)
        ended = waiting & done
        waiting -= ended
        if any(task.result() for task in ended):
            return True
    return False


def _place(target: str) -> Sentinel:
    url = urlsplit(target)
    return Sentinel(url.hostname or target, url.port or _PORTS.get(url.scheme, 0))
