"""What a report is made of, read from a store one endpoint at a time, so that ten thousand need no more memory."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from milkrun.config.settings import Settings
from milkrun.core.glob import Glob
from milkrun.core.incident import Incident, Kind
from milkrun.core.objectives import SharedObjective, objective_of
from milkrun.core.report import Account, Line, Report, account, line
from milkrun.core.rollup import Period, Rollup
from milkrun.core.slo import Objective, covered
from milkrun.store.protocol import Known, Store

# Incidents read in one go.
PAGE = 500


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which report: its title, the time it is about (epoch ms), the time zone's name, the groups it is confined to."""

    title: str
    zone: str
    since: int
    until: int
    made: int
    groups: tuple[str, ...] = ()


async def gather(store: Store, settings: Settings, wanted: Wanted, step: Callable[[], None]) -> Report:
    """Read and sum up. Endpoints without a slot in that time are left out. `step` is called for each that is read."""
    known = in_groups(await store.known(), wanted.groups)
    incidents = await _incidents(store, wanted)
    accounts: list[Account] = []
    until = Period.FIVE_MINUTES.end(wanted.until - 1)  # of a month so far, with the five minutes that are not over
    for endpoint in known:
        rollups = await store.window(endpoint.id, since=wanted.since, until=until)
        if rollups:
            accounts.append(_account(endpoint, rollups, incidents.get(endpoint.id, []), wanted))
        step()
    gaps = [(gap.began, gap.ended) for gap in await store.gaps(since=wanted.since)]
    return _report(accounts, _Judge(settings, wanted), wanted, gaps)


def in_groups(known: Iterable[Known], groups: Sequence[str]) -> list[Known]:
    """Those of one of the groups, which are globs; all where there are none."""
    compiled = globs(groups)
    return [one for one in known if is_in(one.group, compiled)]


def globs(groups: Iterable[str]) -> list[Glob]:
    """Names of groups, perhaps with * in them. Raises ValueError for one that cannot be read."""
    return [Glob(group) for group in groups]


def is_in(group: str, groups: Sequence[Glob]) -> bool:
    """Whether a group is one of these; any is where there are none."""
    return not groups or any(glob.matches(group) for glob in groups)


async def _incidents(store: Store, wanted: Wanted) -> dict[int, list[Incident]]:
    """Outages of that time, by endpoint. One that opens meanwhile moves the pages, so that some come twice."""
    found: dict[int, dict[int, Incident]] = {}
    offset, total = 0, 1
    while offset < total:
        page = await store.incidents(
            kinds=[Kind.OUTAGE], during=(wanted.since, wanted.until), limit=PAGE, offset=offset
        )
        for incident in page.items:
            found.setdefault(incident.endpoint, {})[incident.opened] = incident
        offset, total = offset + PAGE, page.total
    return {endpoint: list(incidents.values()) for endpoint, incidents in found.items()}


def _account(endpoint: Known, rollups: Sequence[Rollup], incidents: Sequence[Incident], wanted: Wanted) -> Account:
    return account(
        rollups,
        key=endpoint.key,
        name=endpoint.name,
        group=endpoint.group,
        incidents=incidents,
        expected=(wanted.until - wanted.since) / endpoint.interval,
    )


class _Judge:
    """Holds accounts to what the configuration has promised for them."""

    def __init__(self, settings: Settings, wanted: Wanted) -> None:
        self.shared = settings.slos
        self._configured = {endpoint.key: endpoint for endpoint in settings.endpoints}
        self._since, self._until = wanted.since, wanted.until
        self._groups = globs(wanted.groups)

    def one(self, each: Account) -> Line:
        """An endpoint's line."""
        endpoint = self._configured.get(each.key)
        objective = None if endpoint is None else objective_of(endpoint, self.shared)
        return self._line([each], each.key, each.name, each.group, objective)

    def together(self, name: str, accounts: Sequence[Account], objective: Objective | None = None) -> Line:
        """The line of several."""
        return self._line(accounts, "", name, "", objective)

    def about(self, shared: SharedObjective, accounts: Sequence[Account]) -> list[Account]:
        """Those that a shared objective is about; none where the report leaves some of them out."""
        about = {key: endpoint for key, endpoint in self._configured.items() if shared.is_about(endpoint)}
        if not all(is_in(endpoint.group, self._groups) for endpoint in about.values()):
            return []
        return [one for one in accounts if one.key in about]

    def _line(self, accounts: Sequence[Account], key: str, name: str, group: str, objective: Objective | None) -> Line:
        since, until = self._since, self._until
        return line(accounts, key=key, name=name, group=group, objective=objective, since=since, until=until)


def _report(accounts: Sequence[Account], judge: _Judge, wanted: Wanted, gaps: Sequence[tuple[int, int]]) -> Report:
    shared = [(each, judge.about(each, accounts)) for each in judge.shared]
    groups: dict[str, list[Account]] = {}
    for one in accounts:
        groups.setdefault(one.group, []).append(one)
    return Report(
        title=wanted.title,
        zone=wanted.zone,
        since=wanted.since,
        until=wanted.until,
        made=wanted.made,
        gap=wanted.until - wanted.since - covered(wanted.since, wanted.until, gaps),
        total=judge.together("all", accounts),
        shared=tuple(judge.together(each.name, about, each.objective) for each, about in shared if about),
        groups=tuple(judge.together(group, some) for group, some in sorted(groups.items())),
        endpoints=tuple(sorted(map(judge.one, accounts), key=_worst_first)),
    )


def _worst_first(each: Line) -> tuple[bool, float, str]:
    """What missed its target, then what was available least."""
    availability = each.counts.availability
    return each.met is not False, 2.0 if availability is None else availability, each.key
