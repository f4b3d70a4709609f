"""The one way through: Result -> roll-up and state -> backlog -> one writer -> one transaction a flush -> Live.

This is where results come in; `standing` moves states, `writer` flushes.
"""

from collections.abc import Iterable, Mapping, Sequence

from milkrun.alerting.planner import Planner
from milkrun.clock import Clock
from milkrun.core.endpoint import Registered
from milkrun.core.incident import Incident
from milkrun.core.observation import Observation
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.certificates import Certificates
from milkrun.monitor.live import Live
from milkrun.monitor.notices import Notices
from milkrun.monitor.open_rollups import OpenRollups
from milkrun.monitor.standing import Standing
from milkrun.monitor.writer import Writer
from milkrun.store.protocol import Gap, Store


class Pipeline:
    """The recorder of results, and the owner of the only writer."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        live: Live,
        states: Mapping[int, EndpointState],
        rollups: OpenRollups,
        backlog: Backlog,
        planner: Planner,
        notices: Iterable[Incident] = (),
    ) -> None:
        self._backlog = backlog
        self._rollups = rollups
        self._standing = Standing(states=states, backlog=backlog, planner=planner)
        self._writer = Writer(clock=clock, store=store, live=live, rollups=rollups, backlog=backlog)
        self.run = self._writer.run
        self.stop = self._writer.stop
        self.vitals = self._writer.vitals
        self.notices = Notices(backlog=backlog, planner=planner, hurry=self._writer.hurry, known=notices)
        self._certificates = Certificates(self.notices)

    def add(self, result: Result) -> None:
        """Keep a result that moves no streak and counts for nothing: its check is repeated."""
        self._backlog.unseen.append(result)

    def skip(self, result: Result) -> None:
        """Keep a slot that was not checked: it moves no streak, but it is an outcome of its five minutes."""
        if self._rollups.count(result):
            self._backlog.unseen.append(result)
        else:
            self._backlog.keep_late(result)

    def settle(self, registered: Registered, result: Result, seen: Observation | None = None) -> None:
        """Keep a result that counts, and move the endpoint's state on by it; `seen` is what its check saw."""
        self.skip(result)
        if self._standing.settle(registered, result, seen):
            self._writer.hurry()
        if result.tls is not None:
            self._certificates.look(registered, result.tls, result.slot)
        elif result.http is not None:
            self._certificates.unmet(registered.id, result.slot)

    def watch(self, arriving: Sequence[Registered], at: int) -> None:
        """Take endpoints up, or in another form, at `at` (epoch ms)."""
        self._standing.watch(arriving, at)
        self.notices.watch(arriving)

    def retire(self, endpoint: int, at: int) -> None:
        """Forget an endpoint that nobody watches any more, and close its incidents at `at` (epoch ms)."""
        self._standing.retire(endpoint, at)
        self._certificates.retire(endpoint)
        self.notices.retire(endpoint, at)

    def reroute(self, at: int) -> None:
        """Go by other routes from `at` (epoch ms) on; what lasts already is told to whoever is to know of it now."""
        if self._standing.reroute(at):
            self._writer.hurry()

    def gap(self, gap: Gap) -> None:
        """Keep a stretch of time in which nothing was checked."""
        self._backlog.pending.gaps[gap.began] = gap
